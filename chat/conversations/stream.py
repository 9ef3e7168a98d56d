"""An answer's way to the page: events of the door as server-sent events (WHATWG HTML, section 9.2)."""

from collections.abc import Callable, Iterator
from typing import assert_never

import msgspec

from chat.inference.events import Event, Failed
from chat.providers.base import Finished, ReasoningDelta, TextDelta

Ending = Callable[[], dict[str, object]]

_encode = msgspec.json.Encoder().encode


def encode(name: str, data: dict[str, object]) -> bytes:
    """Return one server-sent event."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), _encode(data))


def to_page(accepted: dict[str, object], events: Iterator[Event], ending: Ending) -> Iterator[bytes]:
    """Yield `accepted`, the answer as it comes, and what `ending` makes of its end; closes `events` when the reader leaves.

    `ending` is called once the answer is settled, so that what the page is told and what was stored are the same.
    """
    try:
        yield encode("accepted", accepted)
        accepted = {}  # a page of HTML, which need not wait in memory for the answer's end
        failed: Failed | None = None
        for event in events:
            match event:
                case TextDelta(text):
                    yield encode("text", {"text": text})
                case ReasoningDelta(text):
                    yield encode("reasoning", {"text": text})
                case Failed():
                    failed = event
                case Finished():
                    continue
                case _:
                    assert_never(event)
        if failed is None:
            yield encode("done", ending())
        else:
            yield encode("failed", {"code": failed.code, "message": failed.message, **ending()})
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()
