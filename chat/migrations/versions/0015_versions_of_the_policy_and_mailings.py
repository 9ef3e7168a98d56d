"""Versions of the policy, notices to everybody, and mailings"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('policy_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('document', sa.JSON(), nullable=False),
    sa.Column('is_material', sa.Boolean(), nullable=False),
    sa.Column('summary', sa.String(length=2000), nullable=False),
    sa.Column('asks_again', sa.JSON(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('in_force_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policy_version')),
    sa.UniqueConstraint('number', name=op.f('uq_policy_version_number'))
    )
    op.create_table('site_notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('public_id', sa.String(length=24), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('text', sa.String(length=2000), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_site_notice')),
    sa.UniqueConstraint('public_id', name=op.f('uq_site_notice_public_id'))
    )
    op.create_table('mailing',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('public_id', sa.String(length=24), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reached', sa.Integer(), nullable=False),
    sa.Column('until', sa.Integer(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mailing')),
    sa.UniqueConstraint('public_id', name=op.f('uq_mailing_public_id'))
    )
    op.add_column('outgoing_mail', sa.Column('mailing_id', sa.Integer(), nullable=True))
    op.create_index(op.f('ix_outgoing_mail_mailing_id'), 'outgoing_mail', ['mailing_id'])


def downgrade() -> None:
    op.drop_index(op.f('ix_outgoing_mail_mailing_id'), 'outgoing_mail')
    op.drop_column('outgoing_mail', 'mailing_id')
    op.drop_table('mailing')
    op.drop_table('site_notice')
    op.drop_table('policy_version')
