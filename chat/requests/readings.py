"""What a monitor sees of requests: how many wait for the operator, and how many have waited too long."""

from collections.abc import Iterator

from chat.kernel import clock
from chat.kernel.feature import Reading
from chat.requests.answering import count


def list_readings() -> Iterator[Reading]:
    """Yield both gauges."""
    waiting, late = count(clock.now())
    yield Reading(name="candor_requests_open", help="Requests to the operator without an answer.", value=waiting)
    yield Reading(name="candor_requests_overdue", help="Requests whose answer was due before now.", value=late)
