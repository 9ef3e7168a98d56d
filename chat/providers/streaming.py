"""What every HTTP provider does with a call: send it, decode its events, and end quietly when the reader has left."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from chat.providers.base import Cancel, Event, Finished, FinishReason, ProviderProblem
from chat.providers.sse import decode_events
from chat.providers.transport import Transport


def stream_events(
    transport: Transport,
    cancel: Cancel,
    *,
    send: Callable[[], AbstractContextManager[object]],
    translate: Callable[[Iterator[bytes]], Iterator[Event]],
) -> Iterator[Event]:
    """Yield the answer's events. A reader who left gets `Finished(STOPPED)` in place of the problem that leaving caused."""
    try:
        if not cancel.is_set:
            with transport.open(cancel, send) as exchange:
                yield from translate(decode_events(exchange.chunks()))
                exchange.finish()
            return
    except ProviderProblem:
        if not cancel.is_set:
            raise
    yield Finished(FinishReason.STOPPED)
