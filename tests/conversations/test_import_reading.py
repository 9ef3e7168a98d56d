"""What other services' files are read as, and what of them is refused. No database, no page."""

import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.conversations.importing import reading as module
from chat.conversations.importing.found import CannotImport, Reading
from chat.conversations.importing.reading import read_upload
from chat.kernel.errors import Problem, TooLarge
from chat.providers.base import File, Role
from tests.conversations.elsewhere import as_json, as_zip, chatgpt, claude, node, said, tides

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def read(data: bytes) -> Reading:
    return read_upload(data, NOW)


def test_chatgpt_keeps_branches_titles_times_and_models() -> None:
    (found,) = read(as_json(tides())).conversations

    said_by = found.transcript
    assert found.title == "Tides"
    assert found.created_at == datetime(2023, 11, 14, 22, 13, 20, 250_000, UTC)
    assert found.updated_at == datetime(2023, 11, 14, 23, 13, 20, tzinfo=UTC)
    assert [(turn.id, turn.parent, turn.role, turn.text) for turn in said_by.turns.values()] == [
        ("q1", None, Role.USER, "Why are there tides?"),
        ("a1", "q1", Role.ASSISTANT, "The moon."),
        ("a2", "q1", Role.ASSISTANT, "The moon and the sun."),
        ("q2", None, Role.USER, "Explain tides."),
        ("a3", "q2", Role.ASSISTANT, "Water follows gravity."),
    ]
    assert [turn.id for turn in said_by.path()] == ["q1", "a2"]
    assert said_by.turns["a2"].model == "gpt-5"


def test_what_cannot_be_taken_is_named_and_counted() -> None:
    reading = read(as_json(tides(), {"neither": 1}, chatgpt(node("root", None), name="empty")))

    assert reading.left_out == {
        "pieces of code that a tool ran": 1,
        "outputs of tools": 1,
        "pictures, files and recordings in messages": 1,
        "entries that are no conversations": 1,
        "conversations without a message that can be taken": 1,
    }


def test_chatgpt_comes_as_a_list_in_an_archive_or_in_several_lists() -> None:
    whole = as_zip({"user.json": b"{}", "conversations.json": as_json(tides())})
    split = as_zip({"x/conversations-000.json": as_json(tides("a")), "x/conversations-001.json": as_json(tides("b"))})

    assert len(read(whole).conversations) == 1
    assert [one.source_id for one in read(split).conversations] == ["a", "b"]


def test_a_circle_and_lost_ends_in_the_tree_end() -> None:
    circle = chatgpt(node("a", "b", "user", "one"), node("b", "a", "assistant", "two"), node("c", "gone", "user", "three"))

    (found,) = read(as_json(circle)).conversations

    assert [turn.text for turn in found.transcript.turns.values()] == ["three"]


def test_claude_keeps_its_order_its_branches_and_the_text_of_attachments() -> None:
    plain = claude(
        said("m1", "human", "Read this", attachments=[{"file_name": "a/b.txt", "extracted_content": "flour"}]),
        said("m2", "assistant", "", content=[{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Bread."}]),
        said("m3", "human", "And?", files=[{"file_name": "photo.png"}]),
    )
    tree = claude(
        said("q", "human", "Q", parent_message_uuid="00000000-0000-4000-8000-000000000000"),
        said("a", "assistant", "A", parent_message_uuid="q"),
        said("b", "assistant", "B", parent_message_uuid="q"),
        name="c-2",
        current_leaf_message_uuid="a",
    )

    reading = read(as_json(plain, tree))

    first, second = reading.conversations
    assert [(turn.id, turn.parent, turn.text) for turn in first.transcript.turns.values()] == [
        ("m1", None, "Read this"), ("m2", "m1", "Bread."), ("m3", "m2", "And?"),
    ]  # fmt: skip
    assert first.transcript.turns["m1"].parts[0] == File("a b.txt", "text/plain", "flour")
    assert first.transcript.turns["m2"].reasoning == "Hm."
    assert [turn.text for turn in second.transcript.path()] == ["Q", "A"]
    assert len(second.transcript.turns) == 3
    assert (first.title, first.created_at) == ("Bread", datetime(2026, 3, 1, 10, tzinfo=UTC))
    assert reading.left_out == {"files that the export names but does not hold": 1}


def test_a_file_dated_to_the_future_is_not_believed() -> None:
    (found,) = read(as_json(claude(said("m", "human", "Hi"), created_at="2999-01-01T00:00:00Z"))).conversations

    assert found.created_at == NOW


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n", "not JSON"),
        (b"[[[[", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b"[]", "no conversations"),
        (b'{"some": "thing"}', "no conversations"),
        (b"PK\x03\x04 and then nothing", "damaged"),
        (as_zip({"a.txt": b"hello"}), "no conversations in this archive"),
        (as_zip({"conversations.json": as_json(tides())})[:-30], "damaged"),
        (as_zip({"data/conversation.json": b"{}"}), "lacks its manifest"),
        (as_zip({"data/conversation.json": b"{}", "manifest.json": b"[]"}), "not one of a Candor export"),
        (
            as_zip({"data/conversation.json": b"{}", "manifest.json": b'{"format":"candor-export","schema":9}'}),
            "another version",
        ),
    ],
)
def test_what_is_no_export_is_refused_in_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(CannotImport) as refusal:
        read(data)

    assert words in refusal.value.message


def test_an_archive_that_unpacks_to_too_much_is_refused_while_it_unpacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1_000_000)
    bomb = as_zip({"conversations.json": b"[" + b" " * 50_000_000 + b"]"})
    assert len(bomb) < 100_000

    with pytest.raises(TooLarge):
        read(bomb)


def test_the_sizes_an_archive_states_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1_000_000)
    bomb = bytearray(as_zip({"conversations.json": b"[" + b" " * 2_000_000 + b"]"}))
    listed = bytes(bomb).index(b"PK\x01\x02")
    bomb[listed + 24 : listed + 28] = (10).to_bytes(4, "little")

    with pytest.raises((TooLarge, CannotImport)):
        read(bytes(bomb))


def test_a_packing_or_a_lock_that_cannot_be_read_is_named() -> None:
    locked = bytearray(as_zip({"conversations.json": as_json(tides())}, zipfile.ZIP_STORED))
    locked[6] |= 1
    listed = bytes(locked).index(b"PK\x01\x02")
    locked[listed + 8] |= 1

    with pytest.raises(CannotImport) as refusal:
        read(bytes(locked))

    assert "encrypted" in refusal.value.message


WORDS = [
    "mapping", "parent", "children", "message", "author", "role", "content", "content_type", "parts", "chat_messages", "sender",
    "uuid", "text", "type", "attachments", "files", "create_time", "created_at", "title", "current_node", "q", "a",
]  # fmt: skip
json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None)
@given(json_values, json_values)
def test_no_json_whatever_makes_it_fail_otherwise(inner: Any, message: Any) -> None:
    shapes = [
        {"mapping": {"q": {"parent": inner, "message": message}, "a": inner}, "title": inner, "create_time": inner},
        {"chat_messages": [message, inner], "uuid": inner, "name": inner, "created_at": inner},
    ]
    for shape in (*shapes, inner):
        try:
            reading = read(json.dumps([shape]).encode())
        except Problem:
            continue
        for found in reading.conversations:
            assert all(turn.parent is None or turn.parent in found.transcript.turns for turn in found.transcript.turns.values())
            assert found.transcript.leaf in found.transcript.turns
