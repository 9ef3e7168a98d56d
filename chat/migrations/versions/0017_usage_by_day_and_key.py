"""Usage by day tells keys apart, and what was spent with each"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

_ACCOUNT, _KEY = "coalesce(account_id, 0)", "coalesce(key, '')"


def upgrade() -> None:
    op.drop_index('uq_usage_total_key', table_name='usage_total')
    op.add_column('usage_total', sa.Column('key', sa.String(length=24), nullable=True))
    op.add_column('usage_total', sa.Column('estimated', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('usage_total', sa.Column('cost', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    # Alembic cannot detect an index over an expression: this one is written by hand.
    columns = [sa.text(_ACCOUNT), sa.text(_KEY), 'day', 'model', 'provider']
    op.create_index('uq_usage_total_key', 'usage_total', columns, unique=True)


def downgrade() -> None:
    op.drop_index('uq_usage_total_key', table_name='usage_total')
    # Rows that differ by their key alone cannot stand beside each other any more: one is left of them, with the sums.
    key = "account_id IS usage_total.account_id" if op.get_bind().dialect.name == "sqlite" else \
        "account_id IS NOT DISTINCT FROM usage_total.account_id"
    same = f"FROM usage_total AS other WHERE other.{key} AND other.day = usage_total.day " \
        "AND other.model = usage_total.model AND other.provider = usage_total.provider"
    sums = ", ".join(f"{one} = (SELECT sum(other.{one}) {same})" for one in ("calls", "input_tokens", "output_tokens"))
    op.execute(f"UPDATE usage_total SET {sums}")
    op.execute("DELETE FROM usage_total WHERE id NOT IN "
        "(SELECT min(id) FROM usage_total GROUP BY account_id, day, model, provider)")
    for column in ('cost', 'estimated', 'key'):
        op.drop_column('usage_total', column)
    op.create_index('uq_usage_total_key', 'usage_total', [sa.text(_ACCOUNT), 'day', 'model', 'provider'], unique=True)
