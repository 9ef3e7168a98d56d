"""Signed documents: whoever has the public key can check them, and every change shows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.kernel.settings import ROOT
from chat.kernel.signing import NotAuthentic, canonical, check, new_signing_keys, parse_signing_keys
from tests.browser import Browser

KEYS = new_signing_keys()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdef_", max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_was_signed_is_authentic_after_a_trip_through_json(value: object) -> None:
    travelled = json.loads(json.dumps(KEYS.sign({"type": "test", "value": value})))

    assert check(travelled, KEYS.public()) in KEYS.public()


@given(VALUES, VALUES)
def test_a_changed_document_is_not_authentic(value: object, other: object) -> None:
    document = KEYS.sign({"type": "test", "value": value})
    changed = document | {"value": other}

    if canonical(changed) != canonical(document):
        with pytest.raises(NotAuthentic, match="changed"):
            check(changed, KEYS.public())


def test_another_sites_key_is_not_ours() -> None:
    document = new_signing_keys().sign({"type": "test"})

    with pytest.raises(NotAuthentic, match="not among"):
        check(document, KEYS.public())


def test_a_key_listed_under_a_false_id_is_refused() -> None:
    document = KEYS.sign({"type": "test"})
    (other,) = new_signing_keys().public().values()

    with pytest.raises(NotAuthentic, match="id it is listed under"):
        check(document, {document["proof"]["key"]: other})


def test_an_unsigned_document_is_not_authentic() -> None:
    with pytest.raises(NotAuthentic, match="no Ed25519 signature"):
        check({"type": "test"}, KEYS.public())


def test_fractions_are_refused() -> None:
    with pytest.raises(ValueError, match="fractions"):
        KEYS.sign({"type": "test", "values": [{"share": 0.5}]})


def test_an_older_key_still_checks_after_a_new_one_was_made() -> None:
    document = KEYS.sign({"type": "test"})
    renewed = parse_signing_keys(new_signing_keys(older=KEYS).dump())

    assert check(document, renewed.public()) == document["proof"]["key"]
    assert renewed.sign({"type": "test"})["proof"]["key"] != document["proof"]["key"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_document_is_checked_away_from_the_site(client: Browser, site, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "keys.json").write_bytes(client.get("/.well-known/candor-keys.json").data)
    document = site.signing.sign({"type": "certificate", "rows": 3})
    (tmp_path / "right.json").write_text(json.dumps(document))
    (tmp_path / "wrong.json").write_text(json.dumps(document | {"rows": 2}))

    right, wrong = (_check(tmp_path / f"{name}.json", tmp_path / "keys.json") for name in ("right", "wrong"))

    assert right.returncode == 0
    assert "Authentic: a certificate" in right.stdout
    assert wrong.returncode == 1
    assert "was changed" in wrong.stderr


def _check(file: Path, keys: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chat.kernel.check_document", str(file), "--keys", str(keys)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
