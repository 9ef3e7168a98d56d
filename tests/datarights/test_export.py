"""The copy of one's data: everything of one's own, nothing of anybody else's, and whole or none."""

import csv
import io
import json
import re
import secrets
import zipfile
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import sqlalchemy as sa
from flask import Flask

from chat.accounts.models import Account
from chat.consent import ledger
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.conversations.models import Conversation, StoredTurn
from chat.datarights.export import prepare
from chat.features import FEATURES
from chat.kernel import clock as kernel_clock
from chat.kernel.db import db
from chat.kernel.export import ExportedFile, Subject
from chat.kernel.feature import current_exporters
from chat.kernel.lifetimes import EVEN_EXPIRED
from chat.kernel.personal_data import current_stores
from chat.kernel.sealed import Sealed, SealedContent
from chat.kernel.settings import ROOT
from chat.kernel.site import Site
from tests.browser import Browser
from tests.chatting import Chat, turn_history_on, upload
from tests.conftest import Clock
from tests.datarights.taking import Archive, download
from tests.images import png
from tests.people import People, sign_in

STORES = [store for feature in FEATURES for store in feature.stores]
SCHEMA = json.loads((ROOT / "docs" / "export.schema.json").read_text(encoding="utf-8"))


def test_a_copy_holds_every_row_of_every_table_and_fits_the_documented_schema(client: Browser, people: People) -> None:
    _fill(client, people)

    copy = download(client)

    for store in STORES:
        if store.owner is None:
            continue
        document = copy.json(f"data/{store.model.__tablename__}.json")
        jsonschema.validate(document, SCHEMA["$defs"]["table"] | {"$defs": SCHEMA["$defs"]})
        count = db.session.scalar(sa.select(sa.func.count()).select_from(store.model).where(store.owner == people.alice.id))
        assert len(document["rows"]) == count == copy.manifest["counts"][store.model.__tablename__]
        for row in document["rows"]:
            assert set(row) == {*store.exported, *store.linked}
    jsonschema.validate(copy.manifest, SCHEMA)
    for turn in copy.rows("turn"):
        jsonschema.validate(turn, SCHEMA["$defs"]["turn"] | {"$defs": SCHEMA["$defs"]})
    for conversation in copy.rows("conversation"):
        jsonschema.validate(conversation, SCHEMA["$defs"]["conversation"] | {"$defs": SCHEMA["$defs"]})
    jsonschema.validate(copy.json("consents.json"), SCHEMA["$defs"]["consents"] | {"$defs": SCHEMA["$defs"]})
    assert copy.manifest["files"] == len(copy.names)
    assert (copy.manifest["complete"], copy.manifest["damaged"]) == (True, [])


def test_what_was_written_is_there_in_words_in_json_markdown_and_html(client: Browser, people: People) -> None:
    _fill(client, people)

    copy = download(client)

    bodies = [turn["body"] for turn in copy.rows("turn")]
    assert bodies[0]["parts"][0] == {
        "type": "file", "name": "notes.txt", "media_type": "text/plain", "text": "what the notes say",
    }  # fmt: skip
    assert bodies[0]["parts"][1] == {"type": "text", "text": "alice asks **this**"}
    assert {row["title"] for row in copy.rows("conversation")} == {"alice asks this", "A picture"}
    assert {turn["conversation"] for turn in copy.rows("turn")} == {row["public_id"] for row in copy.rows("conversation")}
    (markdown,) = [name for name in copy.names if name.endswith("alice asks this.md")]
    assert "alice asks **this**" in copy.text(markdown)
    page = copy.text(markdown.replace(".md", ".html"))
    assert "alice asks **this**" in page
    assert "alice asks <strong>this</strong>" in page  # the echo's answer, typeset
    assert copy.text(f"conversations/files/{copy.rows('turn')[0]['public_id']}-0.txt") == "what the notes say"
    (picture,) = [part for body in bodies for part in body["parts"] if part["type"] == "image"]
    assert copy.zip.read(picture["file"]) == png()
    assert markdown.removesuffix(".md").removeprefix("conversations/") in copy.text("conversations/Begin here.html")


def test_usage_and_consents_are_there_for_reading(client: Browser, people: People) -> None:
    _fill(client, people)
    ledger.withdraw(people.alice, Purpose.HISTORY, Source.SETTINGS, kernel_clock.now())
    db.session.commit()

    copy = download(client)

    usage = list(csv.DictReader(io.StringIO(copy.text("usage.csv"))))
    assert [row["model"] for row in usage] == ["echo", "sees"]
    assert [one["given"] for one in copy.json("consents.json")["ledger"]] == [True, False]
    assert "usage.csv" in copy.text("README.txt")


def test_nothing_of_anybody_else_is_in_it(client: Browser, people: People) -> None:
    _fill(client, people)

    everything = download(client).everything()

    assert not re.search(r"\bbob\b", everything, re.IGNORECASE)  # as a word: a random id may hold the letters
    assert people.bob.public_id not in everything
    assert people.alice.email in everything


def test_secrets_and_row_numbers_are_not_in_it(client: Browser, people: People) -> None:
    _fill(client, people)

    copy = download(client)

    assert people.alice.password not in copy.everything()
    assert people.alice.fs_uniquifier not in copy.everything()
    assert not {"id", "account_id", "conversation_id"} & {name for row in copy.rows("turn") for name in row}


def test_a_copy_asks_for_a_recent_sign_in(client: Browser, people: People, clock: Clock) -> None:
    sign_in(client, people.alice)
    token = client.csrf("/settings/data/export")

    clock_independent = client.post("/settings/data/export", data={"csrf_token": token})
    with client.session_transaction() as session:
        session["fs_paa"] = session["fs_paa"] - 11 * 60
    late = client.post("/settings/data/export", data={"csrf_token": token})

    assert clock_independent.status_code == 200
    assert (late.status_code, late.location.partition("?")[0]) == (302, "/verify")


def test_an_empty_account_gets_a_whole_copy_too(client: Browser, people: People) -> None:
    sign_in(client, people.alice)

    copy = download(client)

    assert copy.rows("conversation") == []
    assert copy.rows("account")[0]["email"] == people.alice.email
    jsonschema.validate(copy.manifest, SCHEMA)


def test_a_row_that_does_not_open_is_named_and_the_rest_goes_on(client: Browser, people: People) -> None:
    _fill(client, people)
    broken = db.session.scalars(sa.select(StoredTurn).where(StoredTurn.account_id == people.alice.id)).first()
    assert broken is not None
    broken.body = Sealed(broken.body.blob[:-1] + bytes([broken.body.blob[-1] ^ 1]))
    db.session.commit()

    copy = download(client)

    first, *rest = copy.rows("turn")
    assert (first["body"], first["damaged"]) == (None, ["body"])
    assert all(turn["body"] and "damaged" not in turn for turn in rest)
    assert copy.manifest["damaged"] == [{"table": "turn", "column": "body", "row": broken.public_id}]
    assert "does not open" in copy.text(next(name for name in copy.names if name.endswith("alice asks this.md")))
    jsonschema.validate(first, SCHEMA["$defs"]["turn"] | {"$defs": SCHEMA["$defs"]})


def test_without_its_key_a_copy_still_holds_what_is_not_sealed(client: Browser, people: People, site: Site) -> None:
    _fill(client, people)
    site.keyring.destroy(people.alice.public_id)

    copy = download(client)

    assert copy.rows("account")[0]["email"] == people.alice.email
    assert copy.manifest["damaged_count"] == 2 + 4  # titles and bodies, each named once; no instructions were given
    assert all(turn["body"] is None for turn in copy.rows("turn"))


def test_what_is_expired_is_not_in_it(client: Browser, people: People, clock: Clock) -> None:
    _fill(client, people)
    clock.advance(days=91)
    sign_in(client, people.alice)

    copy = download(client)

    assert (copy.rows("conversation"), copy.rows("turn"), copy.rows("usage")) == ([], [], [])
    assert not [name for name in copy.names if name.startswith("conversations/")]
    # The purge has not come by.
    everything = sa.select(sa.func.count()).select_from(Conversation)
    assert db.session.scalar(everything, execution_options=EVEN_EXPIRED) == 5


def test_names_and_words_that_are_meant_to_break_out_do_not(client: Browser, people: People) -> None:
    sign_in(client, people.alice)
    turn_history_on(client)
    evil = '../../etc/passwd" onload=alert(1)><script>alert(2)</script> {body} ![x](https://spy.example/a.png)'
    Chat(client).send(evil, files=upload('"><img src=x>.txt', b"<script>alert(3)</script>"), model="echo")

    copy = download(client)

    assert not [name for name in copy.names if ".." in name or name.startswith("/") or "\\" in name or "<" in name]
    pages = [copy.text(name) for name in copy.names if name.endswith(".html")]
    assert len(pages) == 2
    for page in pages:
        assert not re.search(r"<script|<img|<[^>]*\son\w+=", page)
        assert "default-src 'none'" in page
        assert not re.search(r"""(src|href)\s*=\s*["']?\s*(https?:)?//[^"']*["'](?![^<]*noopener)""", page)


def test_a_failure_in_the_middle_is_no_archive(app: Flask, client: Browser, people: People, site: Site) -> None:
    _fill(client, people)

    def fails(_subject: Subject) -> Any:
        yield ExportedFile("reading.txt", "", [b"some words"])
        raise RuntimeError

    def fails_inside(_subject: Subject) -> Any:
        yield ExportedFile("reading.txt", "", _breaks())

    for exporter in (fails, fails_inside):
        arrived = io.BytesIO()
        copy = _prepare(people.alice, site, (exporter,))
        with pytest.raises(RuntimeError):
            arrived.writelines(copy.stream())
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(arrived)


def test_many_and_large_rows_come_in_small_batches(client: Browser, people: People, site: Site) -> None:
    """More rows than there are keys asked for at once, in many batches, and some so large that each is a batch of its own."""
    sign_in(client, people.alice)
    turn_history_on(client)
    for _ in range(3):
        Chat(client).send(secrets.token_hex(150_000))
    db.session.add_all(_usage(people.alice, number) for number in range(5_100))
    db.session.commit()

    pieces = list(_prepare(people.alice, site, current_exporters()).stream())
    copy = Archive(b"".join(pieces))

    lengths = [len(turn["body"]["parts"][0]["text"]) for turn in copy.rows("turn")]
    assert lengths[::2] == [300_000] * 3  # what the echo answers is shorter
    assert len(copy.rows("usage")) == 5_103
    assert [row["input_bytes"] for row in copy.rows("usage")][-5_100:] == list(range(5_100))
    assert len(list(csv.reader(io.StringIO(copy.text("usage.csv"))))) == 5_104
    assert len(pieces) > 3


def test_no_table_with_content_is_exported_as_bytes() -> None:
    sealed = [
        (store.model.__tablename__, column.name)
        for store in STORES
        for column in store.model.__table__.columns
        if isinstance(column.type, SealedContent) and column.name in store.exported
    ]

    assert ("turn", "body") in sealed
    for store in STORES:
        if any(table == store.model.__tablename__ for table, _column in sealed):
            assert "public_id" in sa.inspect(store.model).column_attrs, "content is bound to its row's public id"


def _prepare(account: Account, site: Site, exporters: tuple[Callable[[Subject], Any], ...]) -> Any:
    return prepare(account, site.keyring, site.profile, stores=current_stores(), exporters=exporters, now=kernel_clock.now())


def _breaks() -> Any:
    yield b"a beginning"
    raise RuntimeError


def _usage(account: Account, input_bytes: int) -> Any:
    from chat.metering.models import Usage

    return Usage(
        account_id=account.id, at=kernel_clock.now(), source="chat", model="echo", provider="echo", status="done", code=None,
        input_bytes=input_bytes, output_bytes=1, input_tokens=1, output_tokens=1, estimated=False, first_token_ms=None,
        total_ms=1,
    )  # fmt: skip


def _fill(client: Browser, people: People) -> None:
    """Alice with two conversations, one with a file and one with a picture; bob beside her with as much."""
    for person, name in ((people.bob, "bob"), (people.alice, "alice")):
        sign_in(client, person)
        turn_history_on(client)
        Chat(client).send(f"{name} asks **this**", files=upload("notes.txt", b"what the notes say"), model="echo")
        Chat(client).send("A picture", files=upload("a.png", png(), "image/png"), model="sees")
        if person is people.bob:
            Chat(client).send("bob's last words", model="echo")
            client.submit("/", action="/logout")
