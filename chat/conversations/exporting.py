"""Saved conversations for reading, in a person's copy of their data: each as Markdown and as a page, with its files.

The pages load nothing and run nothing. What somebody or a model wrote is escaped, or passed the same allow-list as in the chat.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape

import sqlalchemy as sa

from chat.conversations.codec import file_name, unpack_body
from chat.conversations.markdown import render_markdown
from chat.conversations.models import Conversation, StoredTurn
from chat.conversations.transcript import State, Transcript, Turn
from chat.kernel.db import read_briefly
from chat.kernel.export import ExportedFile, Subject
from chat.kernel.sealed import Sealed
from chat.providers.base import File, Image, Role, Text

_BATCH = 100
_MOST_BYTES = 1_000_000
# Characters of answers that are typeset, which takes some 5 ms for a thousand; those after stand as they were written.
_TYPESET = 400_000
_DAMAGED = "[This does not open: it was altered or damaged, or its key is gone.]"
_UNSAFE = re.compile(r"[^\w \-]+")
_STATES = {State.STOPPED: "stopped", State.FAILED: "failed", State.CUT: "cut at the model's longest answer"}


@dataclass(frozen=True, slots=True)
class _Row:
    """A conversation's row, with its sealed words opened."""

    id: int
    public_id: str
    title: str
    instructions: str
    created_at: datetime
    expires_at: datetime
    leaf: str | None


def conversation_files(subject: Subject) -> Iterator[ExportedFile]:
    """Yield each saved conversation's files, oldest conversation first, and a page that lists them."""
    links: list[str] = []
    room = _TYPESET
    for number, (row, transcript) in enumerate(_conversations(subject), start=1):
        name = _name(number, row)
        for turn in transcript.turns.values():
            yield from _attached(turn)
        yield ExportedFile(f"conversations/{name}.md", "", [_as_markdown(row, transcript).encode("utf-8", "replace")])
        page, spent = _as_page(row, transcript, room)
        room -= spent
        yield ExportedFile(f"conversations/{name}.html", "", [page.encode("utf-8", "replace")])
        links.append(f'<li><a href="{escape(name)}.html">{escape(row.title)}</a> {row.created_at:%d %B %Y}</li>\n')
    if links:
        says = "Your saved conversations, for reading: begin here. Each is there as a page and as Markdown, with its files."
        body = f"<h1>Saved conversations</h1>\n<ol>\n{''.join(links)}</ol>"
        yield ExportedFile(
            "conversations/Begin here.html", says, [_page("Saved conversations", body).encode("utf-8", "replace")]
        )


def _conversations(subject: Subject) -> Iterator[tuple[_Row, Transcript]]:
    """Yield each conversation, read several at once where they are small: a query for each was half of the time."""
    after = 0
    while True:
        query = (
            sa.select(
                Conversation.id, Conversation.public_id, Conversation.title, Conversation.instructions,
                Conversation.created_at, Conversation.expires_at, Conversation.leaf,
            )
            .where(Conversation.account_id == subject.owner_id, Conversation.id > after)
            .order_by(Conversation.id)
            .limit(_BATCH)
        )  # fmt: skip
        found = read_briefly(query)
        rows = {row.id: _opened_row(row, subject) for row in found}
        for some in _together(_sizes(list(rows))):
            turns = _turns(some, subject)
            for row_id in some:
                row, its_own = rows[row_id], turns.pop(row_id, {})
                leaf = row.leaf if row.leaf in its_own else next(reversed(its_own), None)
                yield row, Transcript(its_own, leaf, instructions=row.instructions)
        if len(found) < _BATCH:
            return
        after = found[-1].id


def _sizes(row_ids: list[int]) -> dict[int, int]:
    """Return how many bytes the turns of each conversation have, in the order of the ids."""
    size = sa.func.sum(sa.func.length(sa.type_coerce(StoredTurn.body, sa.LargeBinary)))
    query = sa.select(StoredTurn.conversation_id, size).where(StoredTurn.conversation_id.in_(row_ids))
    sizes = {row_id: int(total) for row_id, total in read_briefly(query.group_by(StoredTurn.conversation_id))}
    return {row_id: sizes.get(row_id, 0) for row_id in row_ids}


def _together(sizes: dict[int, int]) -> Iterator[list[int]]:
    """Yield the ids in groups whose turns fit into memory together; what does not fit comes alone."""
    some: list[int] = []
    weight = 0
    for row_id, size in sizes.items():
        if some and weight + size > _MOST_BYTES:
            yield some
            some, weight = [], 0
        some.append(row_id)
        weight += size
    if some:
        yield some


def _opened_row(row: sa.Row[int, str, Sealed, Sealed | None, datetime, datetime, str | None], subject: Subject) -> _Row:
    title = subject.open("conversation", "title", row.public_id, row.title)
    instructions = row.instructions and subject.open("conversation", "instructions", row.public_id, row.instructions)
    return _Row(
        row.id,
        row.public_id,
        _DAMAGED if title is None else title.decode("utf-8", "replace"),
        "" if not row.instructions else _DAMAGED if instructions is None else instructions.decode("utf-8", "replace"),
        row.created_at,
        row.expires_at,
        row.leaf,
    )


def _turns(row_ids: list[int], subject: Subject) -> dict[int, dict[str, Turn]]:
    query = (
        sa.select(
            StoredTurn.conversation_id, StoredTurn.public_id, StoredTurn.parent, StoredTurn.role, StoredTurn.body,
            StoredTurn.written_at, StoredTurn.model, StoredTurn.state, StoredTurn.problem,
        )
        .where(StoredTurn.conversation_id.in_(row_ids))
        .order_by(StoredTurn.conversation_id, StoredTurn.id)
    )  # fmt: skip
    found: dict[int, dict[str, Turn]] = {}
    for row_id, turn_id, parent, role, sealed, written_at, model, state, problem in read_briefly(query):
        body = subject.open("turn", "body", turn_id, sealed)
        parts, reasoning = ((Text(_DAMAGED),), "") if body is None else unpack_body(body)
        turn = Turn(turn_id, parent, Role(role), parts, written_at, model, reasoning, State(state), problem)
        found.setdefault(row_id, {})[turn_id] = turn
    return found


def _attached(turn: Turn) -> Iterator[ExportedFile]:
    for number, part in enumerate(turn.parts):
        if isinstance(part, Image):
            yield ExportedFile(file_name(turn.id, number, part.media_type), "", [part.data])
        elif isinstance(part, File):
            yield ExportedFile(file_name(turn.id, number, "text/plain"), "", [part.text.encode("utf-8", "replace")])


def _name(number: int, row: _Row) -> str:
    words = " ".join(_UNSAFE.sub(" ", row.title).split())[:50].strip(" -")
    return f"{row.created_at:%Y-%m-%d} {number:04d} {words}".strip()


def _in_reading_order(transcript: Transcript) -> Iterator[tuple[Turn, str]]:
    """Yield the branch in view, then each turn of the others, and what to say of where it stands."""
    branch = transcript.path()
    seen = {turn.id for turn in branch}
    for turn in branch:
        yield turn, ""
    numbers = {turn.id: place for place, turn in enumerate(branch, start=1)}
    for turn in transcript.turns.values():
        if turn.id not in seen:
            after = numbers.get(turn.parent or "")
            yield turn, f"another version, after message {after}" if after else "another version"


def _heading(turn: Turn, note: str) -> str:
    who = "You" if turn.role is Role.USER else turn.model or "Assistant"
    notes = [f"{turn.written_at:%Y-%m-%d %H:%M} UTC", note, _STATES.get(turn.state, ""), turn.problem]
    return f"{who} · {' · '.join(filter(None, notes))}"


def _as_markdown(row: _Row, transcript: Transcript) -> str:
    pieces = [f"# {row.title}\n\nBegun on {row.created_at:%d %B %Y}; the site deletes it on {row.expires_at:%d %B %Y}.\n"]
    if row.instructions:
        pieces.append(f"## Instructions\n\n{row.instructions}\n")
    for turn, note in _in_reading_order(transcript):
        pieces.append(f"## {_heading(turn, note)}\n")
        if turn.reasoning:
            pieces.append("".join(f"> {line}\n" for line in turn.reasoning.splitlines()))
        pieces += [f"[{_label(part)}]({_beside(turn, number)})\n" for number, part in _files(turn)]
        pieces += [f"{turn.text}\n"] if turn.text else []
    return "\n".join(pieces)


def _as_page(row: _Row, transcript: Transcript, room: int) -> tuple[str, int]:
    """Return the conversation as a page, and how many characters of it were typeset, at most about `room`."""
    spent = 0
    pieces = [f"<h1>{escape(row.title)}</h1>"]
    pieces.append(f"<p>Begun on {row.created_at:%d %B %Y}; the site deletes it on {row.expires_at:%d %B %Y}.</p>")
    if row.instructions:
        pieces.append(f'<section><h2>Instructions</h2><div class="plain">{escape(row.instructions)}</div></section>')
    for turn, note in _in_reading_order(transcript):
        words = f'<div class="plain">{escape(turn.text)}</div>'
        if turn.role is Role.ASSISTANT and spent < room:
            spent += len(turn.text)
            words = str(render_markdown(turn.text))
        thought = f'<details><summary>Reasoning</summary><div class="plain">{escape(turn.reasoning)}</div></details>'
        pieces.append(
            f'<section class="{turn.role.value}"><h2>{escape(_heading(turn, note))}</h2>'
            f"{thought if turn.reasoning else ''}{''.join(_shown(turn))}{words if turn.text else ''}</section>"
        )
    return _page(row.title, "\n".join(pieces)), spent


def _shown(turn: Turn) -> Iterator[str]:
    for number, part in _files(turn):
        if isinstance(part, Image):
            yield f'<p><img src="{_beside(turn, number)}" alt="Picture"></p>'
        else:
            yield f'<p><a href="{_beside(turn, number)}">{escape(_label(part))}</a></p>'


def _files(turn: Turn) -> list[tuple[int, Image | File]]:
    return [(number, part) for number, part in enumerate(turn.parts) if not isinstance(part, Text)]


def _label(part: Image | File) -> str:
    return "Picture" if isinstance(part, Image) else part.name.replace("[", "(").replace("]", ")")


def _beside(turn: Turn, number: int) -> str:
    """The address of a turn's file from a page in the same folder."""
    part = turn.parts[number]
    media_type = part.media_type if isinstance(part, Image) else "text/plain"
    return file_name(turn.id, number, media_type).removeprefix("conversations/")


def _page(title: str, body: str) -> str:
    return f"{_HEAD}<title>{escape(title)}</title>\n{_STYLE}{body}\n</html>\n"


_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file:">
"""
_STYLE = """<style>
:root { color-scheme: light dark; }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; font: 1.03rem/1.65 system-ui, sans-serif; }
h1 { font: 500 1.6rem/1.3 Georgia, serif; }
h2 { font-size: .85rem; font-weight: 500; opacity: .7; }
section { margin-block: 1.5rem; }
.user { padding: .1rem 1rem 1rem; border-radius: .7rem; background: rgb(128 110 80 / 12%); }
.plain { white-space: pre-wrap; overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .8rem; border-radius: .5rem; background: rgb(128 110 80 / 12%); }
table { border-collapse: collapse; } td, th { padding: .2rem .6rem; border: 1px solid rgb(128 110 80 / 40%); }
img { max-width: 100%; } details { opacity: .8; }
</style>
"""
