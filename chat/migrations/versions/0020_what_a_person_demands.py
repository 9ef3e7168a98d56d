"""What a person demands of whoever answers them"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('account_demands',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('zero_retention', sa.Boolean(), nullable=False),
    sa.Column('regions', sa.JSON(none_as_null=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_account_demands_account_id_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_demands')),
    sa.UniqueConstraint('account_id', name=op.f('uq_account_demands_account_id'))
    )


def downgrade() -> None:
    op.drop_table('account_demands')
