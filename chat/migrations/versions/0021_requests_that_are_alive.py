"""A reservation says when its request was last seen to be under way"""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rename('made_at', 'alive_at')


def downgrade() -> None:
    _rename('alive_at', 'made_at')


def _rename(before: str, after: str) -> None:
    op.drop_index(op.f(f'ix_reservation_{before}'), table_name='reservation')
    op.execute(sa.text(f'ALTER TABLE reservation RENAME COLUMN {before} TO {after}'))
    op.create_index(op.f(f'ix_reservation_{after}'), 'reservation', [after], unique=False)
