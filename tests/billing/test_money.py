"""Dollars are read and written as people do, and no fraction of a cent is lost between."""

import pytest

from chat.billing.money import parse_dollars, say_dollars, write_dollars
from chat.kernel.errors import Problem


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("20", 20_000_000), ("2.5", 2_500_000), ("$0.1", 100_000), (" $ 7 ", 7_000_000), ("0.000001", 1),
        ("999999999.999999", 999_999_999_999_999),
    ],
)  # fmt: skip
def test_an_amount_is_read_exactly(text: str, micros: int) -> None:
    assert parse_dollars(text) == micros
    assert parse_dollars(write_dollars(micros)) == micros


@pytest.mark.parametrize("text", ["", "-1", "1,5", "1e3", "nan", "0.0000001", "1000000000", "٣", "2.", ".5", "1 2"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        parse_dollars(text)


@pytest.mark.parametrize(
    ("micros", "said"),
    [
        (0, "$0.00"), (1, "$0.000001"), (2_500_000, "$2.50"), (1_234_567_890_000, "$1,234,567.89"), (-10_000, "-$0.01"),
        (125_000, "$0.125"),
    ],
)  # fmt: skip
def test_an_amount_is_said_with_cents_and_what_is_smaller(micros: int, said: str) -> None:
    assert say_dollars(micros) == said


def test_no_amount_is_written_as_nothing() -> None:
    assert write_dollars(None) == ""
