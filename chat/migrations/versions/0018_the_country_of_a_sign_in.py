"""The country of a sign-in, where a site collects it"""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('device', sa.Column('country', sa.String(length=2), nullable=True))


def downgrade() -> None:
    op.drop_column('device', 'country')
