"""What the preview of an import is given."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import format_decimal

from chat.conversations.importing.found import Found, Reading
from chat.conversations.titles import title_from
from chat.providers.base import Role

_MOST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class FoundView:
    title: str
    turns: int
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    kind: str
    count: int
    messages: str
    known: int
    shown: list[FoundView]
    more: int
    left_out: list[tuple[str, int]]


def preview_view(reading: Reading, *, known: int) -> PreviewView:
    newest = sorted(reading.conversations, key=lambda one: one.updated_at, reverse=True)
    return PreviewView(
        kind=reading.kind,
        count=len(newest),
        messages=format_decimal(sum(len(one.transcript.turns) for one in newest)),
        known=known,
        shown=[
            FoundView(one.title or _beginning(one), len(one.transcript.turns), one.updated_at) for one in newest[:_MOST_SHOWN]
        ],
        more=max(0, len(newest) - _MOST_SHOWN),
        left_out=sorted(reading.left_out.items()),
    )


def _beginning(found: Found) -> str:
    return title_from(next((turn.text for turn in found.transcript.turns.values() if turn.role is Role.USER and turn.text), ""))
