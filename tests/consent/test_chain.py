"""The chain by itself: whatever is done to it afterwards shows, and a kept head shows what is missing at its end."""

from collections.abc import Callable
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from chat.consent.chain import START, entry_hash, find_break, find_missing

ACCOUNT = "an-account"
Rows = list[dict[str, Any]]

_acts = st.tuples(
    st.sampled_from(["history", "improvement", "analytics", "statistics"]),
    st.booleans(),
    st.sampled_from([None, "a" * 64, "b" * 64]),
)
histories = st.lists(_acts, min_size=1, max_size=12)


@given(histories)
def test_what_was_written_is_whole(acts: list[tuple[str, bool, str | None]]) -> None:
    rows = _chain(acts)

    assert find_break(ACCOUNT, rows) is None
    assert find_missing(rows, sequence=len(rows), head=rows[-1]["hash"]) is None


@given(histories, st.data())
def test_an_edited_field_shows_where(acts: list[tuple[str, bool, str | None]], data: st.DataObject) -> None:
    rows = _chain(acts)
    at = data.draw(st.integers(0, len(rows) - 1))
    field = data.draw(st.sampled_from(sorted({*rows[at], "notice_version"})))
    before = rows[at].get(field)
    rows[at][field] = data.draw(_other_than(before))

    found = find_break(ACCOUNT, rows)

    assert found is not None
    assert found.sequence == at + 1


@given(histories, st.data())
def test_a_gap_shows(acts: list[tuple[str, bool, str | None]], data: st.DataObject) -> None:
    rows = _chain(acts)
    assume(len(rows) > 1)
    at = data.draw(st.integers(0, len(rows) - 2))
    del rows[at]

    found = find_break(ACCOUNT, rows)

    assert found is not None
    assert found.sequence == at + 1


@given(histories, st.data())
def test_a_gap_closed_by_counting_anew_shows(acts: list[tuple[str, bool, str | None]], data: st.DataObject) -> None:
    rows = _chain(acts)
    assume(len(rows) > 1)
    at = data.draw(st.integers(0, len(rows) - 2))
    del rows[at]
    for number, row in enumerate(rows, start=1):
        row["sequence"] = number

    assert find_break(ACCOUNT, rows) is not None


@given(histories, st.data())
def test_another_order_shows(acts: list[tuple[str, bool, str | None]], data: st.DataObject) -> None:
    rows = _chain(acts)
    shuffled = data.draw(st.permutations(rows))
    assume(shuffled != rows)

    assert find_break(ACCOUNT, shuffled) is not None


@given(histories, st.data())
def test_missing_rows_at_the_end_show_against_a_kept_head(
    acts: list[tuple[str, bool, str | None]], data: st.DataObject
) -> None:
    rows = _chain(acts)
    kept = rows[-1]
    left = rows[: data.draw(st.integers(0, len(rows) - 1))]

    found = find_missing(left, sequence=kept["sequence"], head=kept["hash"])

    assert find_break(ACCOUNT, left) is None
    assert found is not None


@given(histories, histories)
def test_a_chain_written_anew_shows_against_a_kept_head(
    acts: list[tuple[str, bool, str | None]], others: list[tuple[str, bool, str | None]]
) -> None:
    assume(acts != others[: len(acts)])
    kept, forged = _chain(acts)[-1], _chain(others)

    assert find_break(ACCOUNT, forged) is None
    assert find_missing(forged, sequence=kept["sequence"], head=kept["hash"]) is not None


@given(histories)
def test_another_persons_chain_does_not_fit(acts: list[tuple[str, bool, str | None]]) -> None:
    assert find_break("somebody-else", _chain(acts)) is not None


def test_an_entry_from_before_policies_had_versions_keeps_its_hash() -> None:
    """The recipe of the first release, written out: what it hashed must stay valid for ever."""
    row = {
        "sequence": 1, "purpose": "history", "given": True, "wording_revision": 1, "wording_hash": "c" * 64,
        "source": "settings", "at": "2026-11-21T10:00:00+00:00", "previous_hash": START,
    }  # fmt: skip

    assert entry_hash("an-account", row) == "e7f218d3253eb165f90c1f002e9a5eaf68b387136087dac427091875da5b0ec4"
    assert (
        entry_hash("an-account", row | {"notice_version": None})
        == "e7f218d3253eb165f90c1f002e9a5eaf68b387136087dac427091875da5b0ec4"
    )


def _chain(acts: list[tuple[str, bool, str | None]]) -> Rows:
    rows: Rows = []
    for number, (purpose, yes, notice) in enumerate(acts, start=1):
        row: dict[str, Any] = {
            "sequence": number,
            "purpose": purpose,
            "given": yes,
            "wording_revision": 1,
            "wording_hash": "c" * 64,
            "source": "settings",
            "at": f"2026-11-21T10:00:{number:02}+00:00",
            "previous_hash": rows[-1]["hash"] if rows else START,
        }
        if notice:
            row["notice_version"] = notice
        rows.append(row | {"hash": entry_hash(ACCOUNT, row)})
    return rows


def _other_than(before: object) -> st.SearchStrategy[Any]:
    values: st.SearchStrategy[Any]
    match before:
        case bool():
            return st.just(not before)
        case int():
            values = st.integers(0, 99)
        case _:
            values = st.text("abcdef0123456789", min_size=1, max_size=64)
    differs: Callable[[Any], bool] = lambda value: value != before  # noqa: E731
    return values.filter(differs)
