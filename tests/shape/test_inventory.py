"""Every table is declared once, and every column of it is either exported or withheld."""

import pytest
import sqlalchemy as sa

from chat.consent.gate import LETTERS_TABLE, Letter
from chat.features import FEATURES
from chat.kernel.db import Base
from chat.kernel.personal_data import Basis, Store
from chat.kernel.sealed import SealedContent

STORES = [store for feature in FEATURES for store in feature.stores]
each_store = pytest.mark.parametrize("store", STORES, ids=lambda store: store.model.__tablename__)


def test_every_table_is_declared_exactly_once() -> None:
    declared = sorted(store.model.__tablename__ for store in STORES)

    assert declared == sorted(Base.metadata.tables)


@each_store
def test_every_column_is_exported_or_withheld(store: Store) -> None:
    columns = sorted(sa.inspect(store.model).column_attrs.keys())

    assert sorted(store.exported + store.withheld) == columns


@each_store
def test_row_numbers_are_withheld(store: Store) -> None:
    table = store.model.__table__
    numbers = {column.name for column in table.columns if column.primary_key or column.foreign_keys}

    assert numbers <= set(store.withheld)


@each_store
def test_what_belongs_to_an_account_names_its_owner(store: Store) -> None:
    links = [key for key in store.model.__table__.foreign_keys if key.column.table.name == "account"]

    if links:
        assert store.owner is not None
        assert store.owner.name in {key.parent.name for key in links}
        assert all(key.ondelete in ("CASCADE", "SET NULL") for key in links)


@each_store
def test_content_stands_on_a_consent_or_is_a_letter_to_the_operator(store: Store) -> None:
    content = [column.name for column in store.model.__table__.columns if isinstance(column.type, SealedContent)]

    if content and store.letter is None:
        assert store.basis is Basis.CONSENT
        assert store.purpose
    if store.letter is not None:
        assert store.basis is Basis.LEGAL_DUTY
        assert store.purpose is None
        assert LETTERS_TABLE[Letter(store.letter)] == store.model.__tablename__
        assert store.expires is not None


@each_store
def test_people_are_told_in_sentences(store: Store) -> None:
    assert 3 < len(store.title) < 40
    assert len(store.holds) > 20
    assert len(store.why) > 10
    assert store.born is not None or store.keep_for is None


@each_store
def test_what_stays_after_erasure_can_lose_its_owner(store: Store) -> None:
    if store.stays:
        assert store.owner is not None
        assert store.owner.property.columns[0].nullable
        assert len(store.stays) > 20
