"""Verification reports"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('verification_report',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('policy_hash', sa.String(length=64), nullable=False),
    sa.Column('promises', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_verification_report'))
    )
    op.create_index(op.f('ix_verification_report_checked_at'), 'verification_report', ['checked_at'])


def downgrade() -> None:
    op.drop_table('verification_report')
