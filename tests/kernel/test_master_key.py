"""`flask master-key rotate`: what was sealed stays readable, at every step and after a restart."""

from pathlib import Path

import pytest
from flask import Flask

from chat.kernel.crypto import CannotOpen, MasterKeys, new_master_keys, parse_master_keys
from chat.kernel.keyring import Keyring
from chat.kernel.site import Site, current_site
from tests.conftest import MakeApp

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_rotating_wraps_every_account_key_anew_and_keeps_it(app: Flask, site: Site, tmp_path: Path) -> None:
    before = _key_of("alice", site)

    result = app.test_cli_runner().invoke(args=["master-key", "rotate"])

    assert "1 account keys were wrapped anew" in result.output
    assert _keys_of(tmp_path).current_id != site.masters.current_id
    assert _restarted(site, _keys_of(tmp_path)).key_of("alice") == before


def test_a_server_that_was_not_restarted_still_reads_what_it_wrote_after_the_rotation(
    app: Flask, site: Site, tmp_path: Path
) -> None:
    old_server = _restarted(site, site.masters)

    app.test_cli_runner().invoke(args=["master-key", "rotate"])
    old_server.create("bob")

    assert _restarted(site, _keys_of(tmp_path)).key_of("bob") == old_server.key_of("bob")


def test_forgetting_drops_the_older_keys_and_leaves_nothing_unreadable(make_app: MakeApp, tmp_path: Path) -> None:
    before = _key_of("alice", _site_of(make_app))
    make_app().test_cli_runner().invoke(args=["master-key", "rotate"])

    make_app().test_cli_runner().invoke(args=["master-key", "rotate", "--forget-old"])

    assert len(_keys_of(tmp_path).keys) == 1
    assert _restarted(current_site(), _keys_of(tmp_path)).key_of("alice") == before


def test_a_key_from_the_environment_is_the_operators_to_change(make_app: MakeApp, tmp_path: Path) -> None:
    old = new_master_keys()
    before = _key_of("alice", _site_of(make_app, chat_master_key=old.dump()))
    both = new_master_keys(older=old)

    make_app(chat_master_key=both.dump()).test_cli_runner().invoke(args=["master-key", "rotate"])

    assert not (tmp_path / "master.key").exists()
    assert _restarted(current_site(), MasterKeys(both.keys[:1])).key_of("alice") == before
    with pytest.raises(CannotOpen):
        _restarted(current_site(), old).key_of("alice")


def _site_of(make_app: MakeApp, **settings: str) -> Site:
    make_app(**settings)
    return current_site()


def _key_of(account: str, site: Site) -> bytes:
    site.keyring.create(account)
    return site.keyring.key_of(account)


def _keys_of(instance: Path) -> MasterKeys:
    return parse_master_keys((instance / "master.key").read_text())


def _restarted(site: Site, masters: MasterKeys) -> Keyring:
    return Keyring(f"sqlite:///{site.settings.chat_instance / 'keyring.sqlite'}", masters)
