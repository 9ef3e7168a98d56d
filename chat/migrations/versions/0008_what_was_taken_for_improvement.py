"""What was taken for improvement"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('improvement_export',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('public_id', sa.String(length=24), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('conversations', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_improvement_export')),
    sa.UniqueConstraint('public_id', name=op.f('uq_improvement_export_public_id'))
    )
    op.create_table('exported_conversation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('export_id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=True),
    sa.Column('conversation_id', sa.Integer(), nullable=True),
    sa.Column('pseudonym', sa.String(length=64), nullable=False),
    sa.Column('exported_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('consent_sequence', sa.Integer(), nullable=False),
    sa.Column('because_rated', sa.Boolean(), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_why', sa.String(length=24), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_exported_conversation_account_id_account'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_exported_conversation_conversation_id_conversation'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['export_id'], ['improvement_export.id'], name=op.f('fk_exported_conversation_export_id_improvement_export'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_exported_conversation'))
    )
    for column in ('account_id', 'conversation_id', 'export_id', 'revoked_at'):
        op.create_index(op.f(f'ix_exported_conversation_{column}'), 'exported_conversation', [column])


def downgrade() -> None:
    op.drop_table('exported_conversation')
    op.drop_table('improvement_export')
