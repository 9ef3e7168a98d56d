"""Usage by day, which outlives the rows of single calls"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('usage_total',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=True),
    sa.Column('day', sa.DateTime(timezone=True), nullable=False),
    sa.Column('model', sa.String(length=64), nullable=False),
    sa.Column('provider', sa.String(length=32), nullable=False),
    sa.Column('calls', sa.BigInteger(), nullable=False),
    sa.Column('input_tokens', sa.BigInteger(), nullable=False),
    sa.Column('output_tokens', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_usage_total_account_id_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_usage_total'))
    )
    op.create_index(op.f('ix_usage_total_account_id'), 'usage_total', ['account_id'])
    op.create_index(op.f('ix_usage_total_day'), 'usage_total', ['day'])
    # Alembic cannot detect an index over an expression: this one is written by hand.
    op.create_index('uq_usage_total_key', 'usage_total', [sa.text('coalesce(account_id, 0)'), 'day', 'model', 'provider'], unique=True)


def downgrade() -> None:
    op.drop_table('usage_total')
