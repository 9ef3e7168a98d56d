"""What is sealed opens in its own place, with its own key, and nowhere else."""

import pytest

from chat.kernel import crypto
from chat.kernel.errors import StartRefused
from chat.kernel.keyring import Keyring
from chat.kernel.site import Site

KEY = crypto.new_key()


def test_what_was_sealed_opens() -> None:
    sealed = crypto.encrypt(KEY, b"words", b"turn/body/1/alice")

    assert crypto.decrypt(KEY, sealed, b"turn/body/1/alice") == b"words"


@pytest.mark.parametrize("elsewhere", [b"turn/body/2/alice", b"turn/body/1/bob", b"conversation/title/1/alice", b""])
def test_a_ciphertext_moved_elsewhere_does_not_open(elsewhere: bytes) -> None:
    sealed = crypto.encrypt(KEY, b"words", b"turn/body/1/alice")

    with pytest.raises(crypto.CannotOpen):
        crypto.decrypt(KEY, sealed, elsewhere)


def test_a_changed_bit_is_noticed() -> None:
    sealed = crypto.encrypt(KEY, b"words", b"here")

    for at in range(len(sealed)):
        with pytest.raises(crypto.CannotOpen):
            crypto.decrypt(KEY, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], b"here")


@pytest.mark.parametrize("length", [0, 1, 11, 12, 27])
def test_what_is_too_short_does_not_open(length: int) -> None:
    with pytest.raises(crypto.CannotOpen):
        crypto.decrypt(KEY, b"x" * length, b"here")


def test_the_same_words_never_look_the_same() -> None:
    assert len({crypto.encrypt(KEY, b"words", b"here") for _ in range(100)}) == 100


def test_keys_for_two_purposes_differ() -> None:
    assert crypto.derive("secret", "page") != crypto.derive("secret", "limits")


def test_an_older_master_key_still_unwraps_and_a_lost_one_does_not() -> None:
    old = crypto.new_master_keys()
    master_id, wrapped = old.wrap(KEY, "alice")

    both = crypto.new_master_keys(old)

    assert both.unwrap(master_id, wrapped, "alice") == KEY
    with pytest.raises(crypto.CannotOpen):
        crypto.new_master_keys().unwrap(master_id, wrapped, "alice")


def test_a_wrapped_key_belongs_to_its_account() -> None:
    masters = crypto.new_master_keys()
    master_id, wrapped = masters.wrap(KEY, "alice")

    with pytest.raises(crypto.CannotOpen):
        masters.unwrap(master_id, wrapped, "bob")


def test_master_keys_survive_being_written_down() -> None:
    masters = crypto.new_master_keys(crypto.new_master_keys())

    assert crypto.parse_master_keys(masters.dump()) == masters


@pytest.mark.parametrize(
    "text", ["", "k1", "k1:", ":AAAA", "k1:not base64!", "k1:c2hvcnQ=", f"k1:{'A' * 43}=", "k1:" + "QUJD" * 10 + "QUI="]
)
def test_a_bad_master_key_stops_the_start(text: str) -> None:
    with pytest.raises(StartRefused, match="CHAT_MASTER_KEY: must be one or more id:key pairs"):
        crypto.parse_master_keys(text)


def test_master_keys_keep_silent_about_themselves() -> None:
    masters = crypto.new_master_keys()

    assert masters.dump().partition(":")[2] not in repr(masters)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_rotation_wraps_every_key_anew_and_loses_none(site: Site) -> None:
    for name in ("alice", "bob"):
        site.keyring.create(name)
    before = {name: site.keyring.key_of(name) for name in ("alice", "bob")}
    newer = crypto.new_master_keys(site.masters)

    changed = site.keyring.rewrap(newer)

    only_the_new = Keyring(f"sqlite:///{site.settings.chat_instance / 'keyring.sqlite'}", crypto.MasterKeys(newer.keys[:1]))
    assert changed == 2
    assert {name: only_the_new.key_of(name) for name in before} == before
    assert site.keyring.rewrap(newer) == 0
    only_the_new.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_destroyed_key_is_gone_from_the_file_too(site: Site) -> None:
    site.keyring.create("alice")
    folder = site.settings.chat_instance
    assert any(b"alice" in path.read_bytes() for path in folder.glob("keyring.sqlite*"))

    site.keyring.destroy("alice")

    with pytest.raises(crypto.CannotOpen):
        site.keyring.key_of("alice")
    assert not any(b"alice" in path.read_bytes() for path in folder.glob("keyring.sqlite*"))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_account_keeps_its_first_key(site: Site) -> None:
    site.keyring.create("alice")
    first = site.keyring.key_of("alice")

    site.keyring.create("alice")

    assert site.keyring.key_of("alice") == first
