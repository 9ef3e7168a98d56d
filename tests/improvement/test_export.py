"""The export holds the conversations of people who agreed to it, of nobody else, and under no name."""

import hashlib
import json
import stat
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from chat.accounts.models import AuditEntry
from chat.consent.purposes import WORDINGS, Purpose
from chat.conversations.models import Conversation
from chat.improvement import export, folder
from chat.improvement.models import ExportedConversation
from chat.kernel import signing
from chat.kernel.db import db
from chat.kernel.site import Site
from tests.conftest import Clock
from tests.improvement.conftest import Run, agree, chat_of, handed_out, revoked
from tests.people import People

BOTH = (Purpose.HISTORY, Purpose.IMPROVEMENT)
REVISION = str(WORDINGS[Purpose.IMPROVEMENT].revision)


def test_it_holds_who_agreed_and_nobody_else(app: Flask, people: People, clock: Clock, run: Run, out: Path) -> None:
    agree(people.alice, clock, *BOTH)
    agree(people.bob, clock, Purpose.HISTORY)
    agree(people.charlie, clock, *BOTH)
    for person in (people.alice, people.bob, people.charlie):
        chat_of(app, person).send(f"About badgers, says {person.public_id[:5]}", model="ok", instructions="Be kind")
    people.charlie.frozen_at = clock.now
    db.session.commit()

    said = run("export", out).output

    (example,) = handed_out(out)
    assert example["messages"] == [
        {"role": "system", "content": "Be kind"},
        {"role": "user", "content": f"About badgers, says {people.alice.public_id[:5]}"},
        {"role": "assistant", "content": "Hello, world."},
    ]
    assert said == "Exported 1 conversations of 1 people. 0 copies are withdrawn.\n"


def test_it_names_nobody(app: Flask, people: People, clock: Clock, run: Run, out: Path) -> None:
    alice = people.alice
    agree(alice, clock, *BOTH)
    chat = chat_of(app, alice).send("I am ALICE, write to alice@Example.org. Alicea is a plant.", model="ok")
    answer = chat.turns[-1].id
    chat.act(f"rate/{answer}/down").act(f"rate/{answer}/down", **{f"note-{answer}": "Alice here: wrong"})

    run("export", out)

    (example,) = handed_out(out)
    assert example["messages"][0]["content"] == "I am [name], write to [e-mail address]. Alicea is a plant."
    assert example["feedback"] == [{"message": 1, "rating": "down", "note": "[name] here: wrong"}]
    everything = "".join(path.read_text() for path in out.iterdir() if path.is_file()).lower()
    personal = (alice.email, alice.public_id, alice.fs_uniquifier, chat.conversation, answer, "example.org")
    assert not [value for value in personal if value.lower() in everything]


def test_a_subject_is_another_in_each_export_and_a_conversation_is_not(
    app: Flask, people: People, clock: Clock, run: Run, out: Path
) -> None:
    agree(people.alice, clock, *BOTH)
    for _ in range(2):
        chat_of(app, people.alice).send("Hello", model="ok")

    run("export", out)
    first = handed_out(out)
    run("export", out)
    second = handed_out(out)

    assert len({one["subject"] for one in first}) == len({one["subject"] for one in second}) == 1
    assert first[0]["subject"] != second[0]["subject"]
    assert [one["conversation"] for one in first] == [one["conversation"] for one in second]


def test_what_began_before_the_consent_is_left_out_unless_it_is_rated(
    app: Flask, people: People, clock: Clock, run: Run, out: Path
) -> None:
    agree(people.alice, clock, Purpose.HISTORY)
    chat_of(app, people.alice).send("Earlier and left alone", model="ok")
    rated = chat_of(app, people.alice).send("Earlier and rated", model="ok")
    clock.advance(minutes=1)
    agree(people.alice, clock, Purpose.IMPROVEMENT)
    clock.advance(minutes=1)
    rated.act(f"rate/{rated.turns[-1].id}/up")

    run("export", out)

    assert [one["messages"][0]["content"] for one in handed_out(out)] == ["Earlier and rated"]


def test_each_rated_answer_is_there_with_its_branch(app: Flask, people: People, clock: Clock, run: Run, out: Path) -> None:
    agree(people.alice, clock, *BOTH)
    chat = chat_of(app, people.alice).send("Hello", model="ok")
    chat.act(f"rate/{chat.turns[-1].id}/down")
    chat.act("regenerate", turn=chat.turns[-1].id, model="echo")
    chat.act(f"rate/{chat.turns[-1].id}/up")

    run("export", out)

    examples = handed_out(out)
    assert [(one["messages"][1]["content"][:5], one["feedback"][0]["rating"]) for one in examples] == [
        (chat.turns[-1].text[:5], "up"),
        ("Hello", "down"),
    ]


def test_what_has_expired_and_who_is_leaving_are_left_out(
    app: Flask, people: People, clock: Clock, run: Run, out: Path
) -> None:
    agree(people.alice, clock, *BOTH)
    agree(people.bob, clock, *BOTH)
    for person in (people.alice, people.bob):
        chat_of(app, person).send("Hello", model="ok")
    db.session.execute(sa.update(Conversation).where(Conversation.account_id == people.alice.id).values(expires_at=clock.now))
    people.bob.closing_at = clock.now
    db.session.commit()

    run("export", out)

    assert handed_out(out) == []


def test_the_manifest_is_signed_and_says_what_is_there(
    app: Flask, people: People, clock: Clock, run: Run, out: Path, site: Site
) -> None:
    agree(people.alice, clock, *BOTH)
    chat_of(app, people.alice).send("Hello", model="ok")

    run("export", out)

    manifest = json.loads((out / "manifest.json").read_text())
    signing.check(manifest, site.signing.public())
    assert manifest["counts"] == {"people": 1, "conversations": 1, "unreadable": 0}
    assert manifest["wordings"] == {
        purpose.value: {str(WORDINGS[purpose].revision): 1} for purpose in (Purpose.HISTORY, Purpose.IMPROVEMENT)
    }
    for name, described in manifest["files"].items():
        data = (out / name).read_bytes()
        assert described == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "lines": data.count(b"\n")}
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
    assert stat.S_IMODE(out.stat().st_mode) == 0o700


def test_a_second_run_takes_the_place_of_the_first(app: Flask, people: People, clock: Clock, run: Run, out: Path) -> None:
    agree(people.alice, clock, *BOTH)
    chat_of(app, people.alice).send("Hello", model="ok")
    run("export", out)
    before = {path.name for path in out.iterdir()}

    run("export", out)

    after = {path.name for path in out.iterdir()}
    assert len(before) == len(after) == 4  # the data, the manifest, the revocations, the lock
    assert before != after
    assert revoked(out) == []


def test_a_run_that_was_killed_leaves_what_was_handed_out_before(
    app: Flask, people: People, clock: Clock, run: Run, out: Path, site: Site
) -> None:
    agree(people.alice, clock, *BOTH)
    hers = chat_of(app, people.alice).send("Hello", model="ok")
    run("export", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with folder.opened(out) as place:
        killed = export.begin(place, site, clock.now)
        assert next(killed.batches()) == 1
        db.session.commit()
        killed.writer.close()
    during = {path.name: path.read_bytes() for path in out.iterdir() if not path.name.startswith(".partial-")}

    run("revocations", out)

    after = {path.name: path.read_bytes() for path in out.iterdir()}
    assert before == during == after
    assert hers.client.page("/settings/improvement").text.count("Taken on") == 1


def test_two_runs_into_one_folder_are_refused(app: Flask, out: Path) -> None:
    with folder.opened(out):
        second = app.test_cli_runner().invoke(args=["improvement", "export", "--out", str(out)])

    assert second.exit_code == 1
    assert "Another run" in second.output


def test_it_is_recorded_and_shown_to_whom_it_is_about(app: Flask, people: People, clock: Clock, run: Run, out: Path) -> None:
    agree(people.alice, clock, *BOTH)
    agree(people.bob, clock, *BOTH)
    hers = chat_of(app, people.alice).send("Planting trees in autumn", model="ok")
    his = chat_of(app, people.bob)

    run("export", out)

    assert db.session.scalars(sa.select(ExportedConversation.account_id)).all() == [people.alice.id]
    assert [one.act for one in db.session.scalars(sa.select(AuditEntry))] == ["improvement.export"]
    page = hers.client.page("/settings/improvement")
    assert "Planting trees in autumn" in page.text
    assert "Nothing was taken" in his.client.page("/settings/improvement").text
