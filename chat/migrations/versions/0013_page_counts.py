"""Page counts"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('page_count',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('day', sa.DateTime(timezone=True), nullable=False),
    sa.Column('page', sa.String(length=80), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_page_count')),
    sa.UniqueConstraint('day', 'page', name=op.f('uq_page_count_day'))
    )
    op.create_index(op.f('ix_page_count_day'), 'page_count', ['day'])


def downgrade() -> None:
    op.drop_table('page_count')
