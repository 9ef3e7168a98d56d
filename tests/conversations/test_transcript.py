"""The tree of turns: whatever is done to it, it stays one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.conversations.transcript import Transcript, Turn, answer, messages, renewed, say
from chat.kernel.errors import NotFound
from chat.providers.base import Role, Text

NOW = datetime(2026, 11, 21, tzinfo=UTC)
# What a person does, each with a number that chooses the turn it is done to.
ACTS = st.lists(st.tuples(st.sampled_from(["ask", "again", "edit", "show", "remove"]), st.integers(0, 50)), max_size=25)


@given(ACTS)
def test_whatever_is_done_it_stays_a_tree(acts: list[tuple[str, int]]) -> None:
    transcript = Transcript()

    for act, number in acts:
        transcript = _do(transcript, act, number)
        _check(transcript)


@given(ACTS, st.integers(0, 50))
def test_removing_takes_exactly_what_hangs_below(acts: list[tuple[str, int]], number: int) -> None:
    transcript = _grown(acts)
    if not transcript.turns:
        return
    chosen = _choose(transcript, number)

    rest = transcript.remove(chosen.id)

    assert set(rest.turns) == {one.id for one in transcript.turns.values() if chosen not in transcript.path(one.id)}


@given(ACTS, st.integers(0, 50))
def test_showing_a_turn_brings_it_into_view_and_changes_nothing_else(acts: list[tuple[str, int]], number: int) -> None:
    transcript = _grown(acts)
    if not transcript.turns:
        return
    chosen = _choose(transcript, number)

    shown = transcript.show(chosen.id)

    assert chosen in shown.path()
    assert shown.turns == transcript.turns
    assert not [one for one in shown.turns.values() if one.parent == shown.leaf]


@given(ACTS)
def test_a_copy_has_the_same_shape_and_no_id_in_common(acts: list[tuple[str, int]]) -> None:
    transcript = _grown(acts)

    copy = renewed(transcript)

    _check(copy)
    assert not set(copy.turns) & set(transcript.turns)
    assert [turn.text for turn in copy.path()] == [turn.text for turn in transcript.path()]
    assert [len(copy.siblings(turn)) for turn in copy.turns.values()] == [
        len(transcript.siblings(turn)) for turn in transcript.turns.values()
    ]


@pytest.mark.parametrize("turn_id", [None, "", "nobody"])
def test_a_turn_that_is_not_there_is_not_found(turn_id: str | None) -> None:
    with pytest.raises(NotFound):
        Transcript().get(turn_id)


def test_words_never_show_in_a_repr() -> None:
    transcript = Transcript().add(say(None, (Text("canary"),), NOW))

    assert "canary" not in repr(transcript) + repr(transcript.path())


def test_empty_answers_are_not_sent() -> None:
    question = say(None, (Text("a"),), NOW)

    assert [one.role for one in messages([question, answer(question.id, "m", NOW)])] == [Role.USER]


def _grown(acts: list[tuple[str, int]]) -> Transcript:
    transcript = Transcript()
    for act, number in acts:
        transcript = _do(transcript, act, number)
    return transcript


def _do(transcript: Transcript, act: str, number: int) -> Transcript:
    if act == "ask" or not transcript.turns:
        return _asked(transcript, transcript.leaf, number)
    chosen = _choose(transcript, number)
    match act:
        case "again":
            return transcript.add(answer(chosen.id if chosen.role is Role.USER else chosen.parent or "", "m", NOW))
        case "edit":
            return _asked(transcript, chosen.parent if chosen.role is Role.USER else chosen.id, number)
        case "show":
            return transcript.show(chosen.id)
        case _:
            return transcript.remove(chosen.id)


def _asked(transcript: Transcript, parent: str | None, number: int) -> Transcript:
    question = say(parent, (Text(f"question {number}"),), NOW)
    return transcript.add(question).add(answer(question.id, "m", NOW))


def _choose(transcript: Transcript, number: int) -> Turn:
    turns = list(transcript.turns.values())
    return turns[number % len(turns)]


def _check(transcript: Transcript) -> None:
    seen: set[str] = set()
    for key, turn in transcript.turns.items():
        assert key == turn.id
        assert turn.parent is None or turn.parent in seen, "a parent stands before its children"
        assert turn in transcript.siblings(turn)
        seen.add(key)
    assert (transcript.leaf is None) == (not transcript.turns)
    assert transcript.leaf is None or transcript.path()[-1].id == transcript.leaf
