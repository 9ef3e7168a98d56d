"""What the purge writes down, and an index for the site's longest lifetime of a conversation"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('purge_pass',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('store', sa.String(length=64), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_purge_pass')),
    sa.UniqueConstraint('store', name=op.f('uq_purge_pass_store'))
    )
    op.create_index(op.f('ix_conversation_updated_at'), 'conversation', ['updated_at'])
    op.create_index(op.f('ix_outgoing_mail_written_at'), 'outgoing_mail', ['written_at'])


def downgrade() -> None:
    op.drop_index(op.f('ix_outgoing_mail_written_at'), 'outgoing_mail')
    op.drop_index(op.f('ix_conversation_updated_at'), 'conversation')
    op.drop_table('purge_pass')
