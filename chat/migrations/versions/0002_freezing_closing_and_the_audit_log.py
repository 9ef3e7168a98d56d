"""Freezing, closing, and the audit log"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('account', sa.Column('frozen_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('account', sa.Column('closing_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f('ix_account_closing_at'), 'account', ['closing_at'])
    op.create_table('audit_entry',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('public_id', sa.String(length=24), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('act', sa.String(length=40), nullable=False),
    sa.Column('by', sa.String(length=40), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('is_withheld', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_audit_entry_account_id_account'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entry')),
    sa.UniqueConstraint('public_id', name=op.f('uq_audit_entry_public_id'))
    )
    op.create_index(op.f('ix_audit_entry_account_id'), 'audit_entry', ['account_id'])
    op.create_index(op.f('ix_audit_entry_at'), 'audit_entry', ['at'])


def downgrade() -> None:
    op.drop_table('audit_entry')
    op.drop_index(op.f('ix_account_closing_at'), 'account')
    op.drop_column('account', 'closing_at')
    op.drop_column('account', 'frozen_at')
