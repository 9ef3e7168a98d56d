"""Feedback and failed answers"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('failed_exchange',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('public_id', sa.String(length=24), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('source', sa.String(length=16), nullable=False),
    sa.Column('model', sa.String(length=64), nullable=False),
    sa.Column('provider', sa.String(length=32), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('exchange', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_failed_exchange_account_id_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_failed_exchange')),
    sa.UniqueConstraint('public_id', name=op.f('uq_failed_exchange_public_id'))
    )
    op.create_index(op.f('ix_failed_exchange_expires_at'), 'failed_exchange', ['expires_at'])
    op.create_index('ix_failed_exchange_listing', 'failed_exchange', ['account_id', 'id'])
    op.create_table('feedback',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('public_id', sa.String(length=24), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('conversation_id', sa.Integer(), nullable=False),
    sa.Column('turn_id', sa.Integer(), nullable=False),
    sa.Column('verdict', sa.String(length=8), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('note', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_feedback_account_id_account'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_feedback_conversation_id_conversation'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['turn_id'], ['turn.id'], name=op.f('fk_feedback_turn_id_turn'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_feedback')),
    sa.UniqueConstraint('public_id', name=op.f('uq_feedback_public_id')),
    sa.UniqueConstraint('turn_id', name=op.f('uq_feedback_turn_id'))
    )
    op.create_index(op.f('ix_feedback_account_id'), 'feedback', ['account_id'])
    op.create_index(op.f('ix_feedback_conversation_id'), 'feedback', ['conversation_id'])


def downgrade() -> None:
    op.drop_table('feedback')
    op.drop_table('failed_exchange')
