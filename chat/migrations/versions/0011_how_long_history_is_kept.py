"""For how long history is kept: a choice of each account, and of each conversation"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('history_choice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_history_choice_account_id_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_history_choice')),
    sa.UniqueConstraint('account_id', name=op.f('uq_history_choice_account_id'))
    )
    op.add_column('conversation', sa.Column('own_days', sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column('conversation', 'own_days')
    op.drop_table('history_choice')
