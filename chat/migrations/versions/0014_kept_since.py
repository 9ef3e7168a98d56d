"""From when a conversation's time counts: its last message, or its import"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SQLite adds no column that may not be empty without a default. A row that kept it would be one whose time is long up.
    op.add_column('conversation', sa.Column('kept_since', sa.DateTime(timezone=True), nullable=False, server_default='1970-01-01 00:00:00'))
    op.create_index(op.f('ix_conversation_kept_since'), 'conversation', ['kept_since'])
    op.execute('UPDATE conversation SET kept_since = updated_at')


def downgrade() -> None:
    op.drop_index(op.f('ix_conversation_kept_since'), 'conversation')
    op.drop_column('conversation', 'kept_since')
