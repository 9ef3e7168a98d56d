"""Models that failed just now are asked after the others, for some seconds: in this process, and only in its memory."""

import threading
from collections.abc import Callable, Iterable

from chat.kernel import clock

_FIRST_SECONDS = 5.0
_LONGEST_SECONDS = 60.0


class Cooling:
    """Which models rest. Each failure in a row doubles the time, an answer ends it."""

    def __init__(self, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures: dict[str, tuple[int, float]] = {}

    def failed(self, model_id: str) -> None:
        """Let the model rest."""
        with self._lock:
            failures = self._failures.get(model_id, (0, 0.0))[0] + 1
            seconds = min(_FIRST_SECONDS * 2 ** (failures - 1), _LONGEST_SECONDS)
            self._failures[model_id] = (failures, self._monotonic() + seconds)

    def answered(self, model_id: str) -> None:
        """The model works: it does not rest any more."""
        if model_id in self._failures:
            with self._lock:
                self._failures.pop(model_id, None)

    def rests(self, model_id: str) -> bool:
        """Whether the model failed just now."""
        found = self._failures.get(model_id)
        return found is not None and self._monotonic() < found[1]

    def last(self, model_ids: Iterable[str]) -> list[str]:
        """Return the ids in their order, those that rest behind the others: when all rest, all are asked."""
        return sorted(model_ids, key=self.rests)
