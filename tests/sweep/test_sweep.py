"""The sweep itself: for each way in which content has leaked elsewhere, it is planted once and must be found.

A sweep that finds nothing proves something only if it would have found it.
"""

import base64
import binascii
import gzip
import io
import json
import os
import pickle
import sqlite3
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from hypothesis import given
from hypothesis import strategies as st

from chat.policy.sweep import Canary, sweep, watching
from tests.databases import Postgres


def zipped(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes.txt", f"{text} {text} and something else")
    return packed.getvalue()


DISGUISES: dict[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "in capitals": lambda text: text.upper().encode(),
    "as JSON": lambda text: json.dumps({"prompt": f'"{text}"\n'}).encode(),
    "in a URL": lambda text: quote(f"q={text} ä").encode(),
    "as UTF-16": lambda text: text.encode("utf-16"),
    "as UTF-16, big end first": lambda text: text.encode("utf-16-be"),
    "as UTF-32": lambda text: text.encode("utf-32"),
    "as hexadecimal digits": lambda text: binascii.hexlify(text.encode()),
    "as capital hexadecimal digits": lambda text: binascii.hexlify(text.encode()).upper(),
    "in base64": lambda text: base64.b64encode(text.encode()),
    "in base64, shifted by one": lambda text: base64.b64encode(b"x" + text.encode() + b"y"),
    "in base64, shifted by two": lambda text: base64.b64encode(b"xy" + text.encode() + b"z"),
    "in URL-safe base64": lambda text: base64.urlsafe_b64encode(b"??>" + text.encode()),
    "in gzip": lambda text: b"junk" + gzip.compress(text.encode() * 3) + b"junk",
    "in zlib": lambda text: b"junk" + zlib.compress(text.encode(), 9),
    "in fast zlib": lambda text: zlib.compress(text.encode(), 1),
    "in zlib in base64": lambda text: b"." + base64.urlsafe_b64encode(zlib.compress(text.encode())),
    "in gzip in gzip": lambda text: gzip.compress(gzip.compress(text.encode())),
    "in a ZIP archive": zipped,
    "in a ZIP archive that broke off": lambda text: zipped(text)[:-60],
    "backwards": lambda text: text[::-1].encode(),
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES.keys())
def test_a_disguise_is_seen_through(tmp_path: Path, disguise: Callable[[str], bytes]) -> None:
    canary = Canary()
    (tmp_path / "file").write_bytes(os.urandom(3000) + disguise(str(canary)) + os.urandom(3000))

    assert sweep(canary, tmp_path)


@pytest.mark.parametrize("behind", [b"", b"A", b"AA", b"AAA", b"\xff"])
def test_what_stands_behind_does_not_hide_it(tmp_path: Path, behind: bytes) -> None:
    for _ in range(20):  # compressed words differ in length
        canary = Canary()
        (tmp_path / "file").write_bytes(DISGUISES["in zlib in base64"](str(canary)).rstrip(b"=") + behind)

        assert sweep(canary, tmp_path)


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(os.urandom(2**20) + DISGUISES["in gzip"](str(Canary())))

    assert not sweep(Canary(), tmp_path)


def test_a_network_is_not_taken_for_an_address_in_it() -> None:
    whole = Canary("127.242.82.24")

    assert not list(whole.find_in(b"127.242.82.0/24", "a row"))
    assert list(whole.find_in(b"127.242.\x0082.24", "a row"))


@given(before=st.binary(max_size=40), behind=st.binary(max_size=40))
def test_base64_is_seen_through_whatever_stands_around(before: bytes, behind: bytes) -> None:
    canary = Canary()

    assert list(canary.find_in(base64.b64encode(before + str(canary).encode() + behind), "x"))


def test_a_file_name_is_read_too(tmp_path: Path) -> None:
    canary = Canary()
    (tmp_path / f"{canary}.txt").touch()

    assert sweep(canary, tmp_path)


def test_a_log_line_is_found(tmp_path: Path) -> None:
    canary = Canary()
    program = f"import logging; logging.basicConfig(filename='app.log'); logging.error('failed on %r', 'tell me {canary}')"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)

    assert _disguises(sweep(canary, tmp_path)) == {"plain text"}


def test_a_plain_column_is_found(tmp_path: Path) -> None:
    canary = Canary()
    with _sqlite(tmp_path / "a.sqlite") as connection:
        connection.execute("CREATE TABLE conversation (title TEXT)")
        connection.execute("INSERT INTO conversation VALUES (?)", (f"About {canary}",))
        connection.commit()

        assert sweep(canary, tmp_path)


def test_a_job_row_is_found(tmp_path: Path) -> None:
    """As queues write them: a job with its arguments, pickled."""
    canary = Canary()
    with _sqlite(tmp_path / "jobs.sqlite") as connection:
        connection.execute("CREATE TABLE task (data BLOB)")
        connection.execute("INSERT INTO task VALUES (?)", (pickle.dumps(("make_title", (f"what about {canary}",))),))
        connection.commit()

        assert sweep(canary, tmp_path)


def test_a_free_page_without_secure_delete_is_found(tmp_path: Path) -> None:
    canary = Canary()
    with _sqlite(tmp_path / "a.sqlite") as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        _write_and_delete(connection, str(canary))

    assert sweep(canary, tmp_path)


def test_a_free_page_with_secure_delete_is_clean(tmp_path: Path) -> None:
    canary = Canary()
    with _sqlite(tmp_path / "a.sqlite") as connection:
        connection.execute("PRAGMA secure_delete=ON")
        _write_and_delete(connection, str(canary))

    assert not sweep(canary, tmp_path)


def test_a_write_ahead_log_is_found(tmp_path: Path) -> None:
    canary = Canary()
    with _sqlite(tmp_path / "a.sqlite") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA secure_delete=ON")
        _write_and_delete(connection, str(canary))

        assert {hit.where for hit in sweep(canary, tmp_path)} == {"a.sqlite-wal"}


@pytest.mark.parametrize("length", [1, 400])
def test_a_row_of_postgresql_is_found(postgres: Postgres, length: int) -> None:
    canary = Canary()
    url = postgres.create(empty=True)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (c text)")
        connection.execute("INSERT INTO t VALUES (%s)", (f"words, {canary}, and more. " * length,))
        connection.execute("CHECKPOINT")

        hits = sweep(canary, postgres.folder / "base")

    postgres.drop(url)
    assert hits


def test_a_deleted_row_of_postgresql_is_found(postgres: Postgres) -> None:
    """It is still in the table's file until VACUUM, and in the write-ahead log for longer: why content is stored sealed."""
    canary = Canary()
    url = postgres.create(empty=True)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (c text)")
        connection.execute("INSERT INTO t VALUES (%s)", (str(canary),))
        connection.execute("DELETE FROM t")
        connection.execute("CHECKPOINT")

        hits = sweep(canary, postgres.folder)

    postgres.drop(url)
    assert hits


def test_a_session_cookie_is_found() -> None:
    """Flask signs a cookie and packs it with zlib and base64; it does not encrypt it."""
    canary = Canary()
    app = Flask("careless")
    app.secret_key = "x" * 40
    app.session_interface = SecureCookieSessionInterface()
    app.add_url_rule("/", view_func=lambda: str(session.update(last=f"{canary} " * 50)))
    client = app.test_client()

    client.get("/")

    cookie = client.get_cookie("session")
    assert cookie is not None
    assert list(canary.find_in(cookie.value.encode(), "cookie"))


def test_a_title_is_found(tmp_path: Path) -> None:
    canary = Canary()
    with _sqlite(tmp_path / "a.sqlite") as connection:
        connection.execute("CREATE TABLE conversation (title BLOB)")
        connection.execute("INSERT INTO conversation VALUES (?)", (f"{canary} and"[:40].encode("utf-16-le"),))
        connection.commit()

    assert "UTF-16" in _disguises(sweep(canary, tmp_path))


def test_a_temporary_file_is_found_while_it_lives(tmp_path: Path, spooling: "Spooling") -> None:
    canary = Canary()

    with watching(spooling, canary, tmp_path) as hits:
        spooling.spool(str(canary), "NamedTemporaryFile")

    assert any(str(tmp_path) in hit.where for hit in hits)
    assert not sweep(canary, tmp_path)


def test_a_temporary_file_without_a_name_is_found_while_it_lives(tmp_path: Path, spooling: "Spooling") -> None:
    canary = Canary()

    with watching(spooling, canary, tmp_path) as hits:
        spooling.spool(str(canary), "TemporaryFile")

    assert any("/fd/" in hit.where for hit in hits)


class Spooling:
    """A process that writes what it is told to a temporary file, holds it for a moment, and lets it go."""

    PROGRAM = (
        "import sys, tempfile, time\n"
        "for line in sys.stdin:\n"
        "    kind, text = line.split()\n"
        "    with getattr(tempfile, kind)() as file:\n"
        "        file.write(text.encode() * 100_000)\n"
        "        file.flush()\n"
        "        time.sleep(0.1)\n"
        "    print('done', flush=True)\n"
    )

    def __init__(self, folder: Path) -> None:
        self._process: Any = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": str(folder)},
        )

    def process_ids(self) -> list[int]:
        return [self._process.pid]

    def spool(self, text: str, kind: str) -> None:
        self._process.stdin.write(f"{kind} {text}\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def stop(self) -> None:
        self._process.communicate()


@pytest.fixture
def spooling(tmp_path: Path) -> Iterator[Spooling]:
    process = Spooling(tmp_path)
    yield process
    process.stop()


def _write_and_delete(connection: sqlite3.Connection, word: str) -> None:
    connection.execute("CREATE TABLE t (c TEXT)")
    connection.execute("INSERT INTO t VALUES (?)", (f"{word} " * 1000,))
    connection.commit()
    connection.execute("DELETE FROM t")
    connection.commit()


class _sqlite(sqlite3.Connection):  # noqa: N801  # reads as the call that it stands for
    """A connection that is closed at the end of its block, which sqlite3's own is not."""

    def __exit__(self, *args: Any) -> Any:
        self.close()


def _disguises(hits: list[Any]) -> set[str]:
    return {hit.disguise for hit in hits}
