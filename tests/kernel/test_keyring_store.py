"""The store of the account keys is made once, however many workers start with an empty instance folder at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

from chat.kernel import crypto
from chat.kernel.keyring import Keyring
from tests.databases import Postgres

_WORKERS = 6
_ROUNDS = 10


def test_workers_that_start_together_share_one_store(tmp_path: Path) -> None:
    for turn in range(_ROUNDS):
        _start_together(f"sqlite:///{tmp_path / f'keyring-{turn}.sqlite'}")


def test_workers_that_start_together_share_one_store_on_postgresql(postgres: Postgres) -> None:
    url = postgres.create(empty=True)

    for _turn in range(_ROUNDS):
        _start_together(url)
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE account_key, erased_account"))
        engine.dispose()

    postgres.drop(url)


def test_a_store_that_cannot_be_made_is_not_passed_over(tmp_path: Path) -> None:
    keyring = Keyring(f"sqlite:///{tmp_path / 'no-such-folder' / 'keyring.sqlite'}", _masters())

    with pytest.raises(sa.exc.OperationalError):
        keyring.create_store()


def _start_together(url: str) -> None:
    keyrings = [Keyring(url, _masters()) for _ in range(_WORKERS)]
    barrier = Barrier(_WORKERS)

    def start(keyring: Keyring) -> None:
        barrier.wait()
        keyring.create_store()

    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(start, keyrings))

    keyrings[0].create("alice")
    assert keyrings[-1].holds("alice")
    for keyring in keyrings:
        keyring.close()


def _masters() -> crypto.MasterKeys:
    return crypto.new_master_keys()
