"""What the usage page is given: sums, tables, and charts as the numbers of their bars. Costs are integers until the last."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from flask_babel import format_date, format_decimal, ngettext
from flask_babel import gettext as _

from chat.billing.money import say_dollars
from chat.gateway.models import ApiKey
from chat.inference.present_receipt import AnswererView, answerer_view, readable_size
from chat.kernel.signing import Document
from chat.metering.models import Usage
from chat.metering.usage import Line

# The chart's own units; the page scales it.
WIDTH, HEIGHT = 720, 160


@dataclass(slots=True)
class Sum:
    """What several lines come to."""

    calls: int = 0
    estimated: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: int = 0

    def add(self, line: Line) -> None:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(line, name))

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: of what, and its figures in words."""

    label: str
    calls: str
    input_tokens: str
    output_tokens: str
    cost: str
    estimated: bool


@dataclass(frozen=True, slots=True)
class Bar:
    x: int
    y: int
    width: int
    height: int
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    id: str
    title: str
    description: str
    most: str
    first: date
    last: date
    bars: list[Bar] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the log: no word of what was said."""

    at: datetime
    key: str
    model: str
    provider: str
    status: str
    tokens: str
    milliseconds: str
    cost: str
    estimated: bool
    receipt: str | None  # its id, where there is one to look at


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """A request's data receipt."""

    id: str
    asked_at: datetime
    outcome: str
    by: AnswererView
    sent: str
    received: str
    logged_until: datetime
    key: str


def key_names(keys: Iterable[ApiKey]) -> dict[str, str]:
    return {one.public_id: one.name for one in keys}


def name_of(key: str | None, names: Mapping[str, str]) -> str:
    """Return what a key is called; those that are gone are told apart by the end of their id."""
    if key is None:
        chat: str = _("Chat")
        return chat
    if key in names:
        return names[key]
    gone: str = _("Deleted key …%(end)s", end=key[-4:])
    return gone


def rows_by(lines: Iterable[Line], label: Callable[[Line], str]) -> list[Row]:
    """Return the lines added up by `label`, the dearest first."""
    sums: dict[str, Sum] = {}
    for line in lines:
        sums.setdefault(label(line), Sum()).add(line)
    ordered = sorted(sums.items(), key=lambda one: (-one[1].cost, -one[1].tokens, one[0]))
    return [row_of(name, one) for name, one in ordered]


def rows_by_day(lines: Iterable[Line]) -> list[Row]:
    """Return the lines added up by day, the newest first."""
    return [row_of(format_date(day, "d MMM yyyy"), one) for day, one in sorted(_by_day(lines).items(), reverse=True)]


def row_of(label: str, one: Sum) -> Row:
    calls, tokens_in, tokens_out = (format_decimal(number) for number in (one.calls, one.input_tokens, one.output_tokens))
    return Row(label, calls, tokens_in, tokens_out, say_dollars(one.cost), one.estimated > 0)


def sum_of(lines: Iterable[Line]) -> Sum:
    total = Sum()
    for line in lines:
        total.add(line)
    return total


def charts(lines: Sequence[Line], today: date, days: int) -> list[Chart]:
    """Return cost and tokens by day, for the days up to today."""
    sums = _by_day(lines)
    first = today - timedelta(days=days - 1)
    costs = {day: one.cost for day, one in sums.items()}
    tokens = {day: one.tokens for day, one in sums.items()}
    return [
        _chart("cost", _("Cost by day"), costs, say_dollars, first, today),
        _chart("tokens", _("Tokens by day"), tokens, _say_tokens, first, today),
    ]


def call_view(row: Usage, names: Mapping[str, str]) -> Call:
    return Call(
        at=row.at,
        key=name_of(row.key, names),
        model=row.model,
        provider=row.provider,
        status=row.status if row.code is None else f"{row.status} ({row.code})",
        tokens=f"{format_decimal(row.input_tokens)} + {format_decimal(row.output_tokens)}",
        milliseconds=format_decimal(row.total_ms),
        cost=say_dollars(row.cost),
        estimated=row.estimated,
        receipt=row.receipt if row.terms else None,
    )


def receipt_view(receipt: Document) -> ReceiptView:
    return ReceiptView(
        id=receipt["answer"],
        asked_at=datetime.fromisoformat(receipt["asked_at"]),
        outcome=receipt["outcome"],
        by=answerer_view(receipt),
        sent=readable_size(receipt["sent"]["bytes"]),
        received=readable_size(receipt["received"]["bytes"]),
        logged_until=datetime.fromisoformat(receipt["logged"]["until"]),
        key=receipt["proof"]["key"],
    )


def _by_day(lines: Iterable[Line]) -> dict[date, Sum]:
    sums: dict[date, Sum] = {}
    for line in lines:
        sums.setdefault(line.day, Sum()).add(line)
    return sums


def _chart(name: str, title: str, values: Mapping[date, int], say: Callable[[int], str], first: date, last: date) -> Chart:
    most = max(values.values(), default=0)
    best = max(values, key=lambda day: values[day], default=None)
    told = _("Nothing was used in this time.")
    if most and best:
        told = _("The most was %(most)s, on %(day)s.", most=say(most), day=format_date(best, "d MMMM yyyy"))
    chart = Chart(name, title, told, say(most), first, last)
    slot = WIDTH // ((last - first).days + 1)
    for day, value in sorted(values.items()):
        if value and first <= day <= last:
            height = max(2, value * HEIGHT // most)
            label = f"{format_date(day, 'd MMM yyyy')}: {say(value)}"
            chart.bars.append(Bar((day - first).days * slot, HEIGHT - height, max(1, slot - slot // 4), height, label))
    return chart


def _say_tokens(count: int) -> str:
    said: str = ngettext("%(count)s token", "%(count)s tokens", count, count=format_decimal(count))
    return said
