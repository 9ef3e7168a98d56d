"""The conversation in the page: sealed for one session, opened whole or not at all."""

import base64
import zlib
from datetime import UTC, datetime

import msgspec
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.conversations.codec import StalePage, open_page, pack_body, seal_page, text_of_body, unpack_body
from chat.conversations.transcript import State, Transcript, Turn
from chat.kernel import crypto
from chat.providers.base import File, Image, Role, Text
from tests.browser import Browser
from tests.chatting import Chat
from tests.fakes import FakeProvider

KEY = bytes(range(32))
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PARTS = st.lists(
    st.one_of(st.builds(Text, WORDS), st.builds(Image, WORDS, st.binary(max_size=60)), st.builds(File, WORDS, WORDS, WORDS)),
    max_size=4,
).map(tuple)
TURNS = st.builds(
    Turn,
    id=st.uuids().map(lambda one: one.hex[:16]),
    parent=st.none() | st.just("before"),
    role=st.sampled_from(Role),
    parts=PARTS,
    written_at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001  # the strategy wants it so
        lambda one: one.replace(microsecond=0)
    ),
    model=WORDS,
    reasoning=WORDS,
    state=st.sampled_from(State),
    problem=WORDS,
)
TRANSCRIPTS = st.builds(
    Transcript,
    turns=st.lists(TURNS, max_size=4).map(lambda turns: {turn.id: turn for turn in turns}),
    leaf=st.none() | WORDS,
    model=WORDS,
    instructions=WORDS,
    temperature=st.none() | st.floats(0, 2),
    is_private=st.booleans(),
)


@settings(deadline=None)
@given(TRANSCRIPTS)
def test_what_is_sealed_opens_as_it_was(transcript: Transcript) -> None:
    assert open_page(seal_page(transcript, KEY, "mine"), KEY, "mine") == transcript


@given(PARTS, WORDS)
def test_a_body_is_read_as_it_was_written(parts: tuple[Text | Image | File, ...], reasoning: str) -> None:
    turn = Turn("t", None, Role.USER, parts, datetime(2026, 1, 1, tzinfo=UTC), reasoning=reasoning)

    assert unpack_body(pack_body(turn)) == (parts, reasoning)
    assert text_of_body(pack_body(turn)) == turn.text


@settings(deadline=None)
@given(st.one_of(st.text(max_size=80), st.binary(max_size=80).map(lambda data: base64.urlsafe_b64encode(data).decode())))
def test_garbage_is_a_stale_page_and_nothing_else(garbage: str) -> None:
    with pytest.raises(StalePage):
        open_page(garbage, KEY, "mine")


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_every_changed_byte_shows(at: int, change: int) -> None:
    sealed = bytearray(base64.urlsafe_b64decode(seal_page(Transcript(instructions="x" * 50), KEY, "mine")))
    sealed[at % len(sealed)] ^= change

    with pytest.raises(StalePage):
        open_page(base64.urlsafe_b64encode(sealed).decode(), KEY, "mine")


def test_another_session_or_another_key_does_not_open_it() -> None:
    sealed = seal_page(Transcript(), KEY, "mine")

    for key, session in ((KEY, "yours"), (KEY, ""), (KEY[::-1], "mine")):
        with pytest.raises(StalePage):
            open_page(sealed, key, session)


def test_what_unpacks_without_end_is_refused() -> None:
    bomb = zlib.compress(msgspec.msgpack.encode(b"0" * (80 * 2**20)), 9)

    for packed in (bomb, zlib.compress(b"\xc1"), b"not packed at all"):
        sealed = base64.urlsafe_b64encode(crypto.encrypt(KEY, packed, b"page/1/mine")).decode()
        with pytest.raises(StalePage):
            open_page(sealed, KEY, "mine")


def test_the_page_holds_no_readable_word() -> None:
    sealed = seal_page(Transcript(instructions="canary" * 20), KEY, "mine")

    assert b"canary" not in base64.urlsafe_b64decode(sealed)


def test_another_browsers_conversation_is_refused_with_a_clear_page(app: Flask, client: Browser, fake: FakeProvider) -> None:
    mine = Chat(client).send("Hello").fields()["transcript"]
    other = app.test_client()
    assert isinstance(other, Browser)
    yours = Chat(other)

    for act in ("send", "edit", "regenerate", "continue", "switch", "remove"):
        yours.act(act, transcript=mine, text="x", model="ok", turn="x")
        assert yours.status == 409
        assert "start a new chat" in yours.page.text
        yours = Chat(other)

    assert fake.calls == []


def test_a_session_that_ended_leaves_a_stale_page(client: Browser) -> None:
    old = Chat(client).send("Hello").fields()["transcript"]
    client.delete_cookie("candor")

    chat = Chat(client).send("Go on", transcript=old)

    assert chat.status == 409
