"""A request of the API has a receipt, and what was said of its model is written down"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('model_terms',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=32), nullable=False),
    sa.Column('said', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_model_terms')),
    sa.UniqueConstraint('digest', name=op.f('uq_model_terms_digest'))
    )
    op.add_column('usage', sa.Column('receipt', sa.String(length=24), nullable=True))
    op.add_column('usage', sa.Column('terms', sa.String(length=32), nullable=True))
    op.create_index(op.f('ix_usage_receipt'), 'usage', ['receipt'], unique=True)


def downgrade() -> None:
    op.drop_index(op.f('ix_usage_receipt'), table_name='usage')
    op.drop_column('usage', 'terms')
    op.drop_column('usage', 'receipt')
    op.drop_table('model_terms')
