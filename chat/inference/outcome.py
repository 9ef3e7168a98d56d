"""What is told of every answer, whichever door it came through: to the counts of the process, and in one line of the log."""

import logging

from chat.metering.ledger import Measure, Source
from chat.metering.metrics import count, count_attempt
from chat.providers.catalogue import Model

log = logging.getLogger("chat.inference")


def tell(source: Source, model: Model, measure: Measure) -> None:
    """Count the answer and log it: which model, how it ended and how long it took, and nothing of whom or what."""
    count(model.id, model.provider_id, measure)
    log.info(
        "answer",
        extra={
            "source": source.value,
            "model": model.id,
            "provider": model.provider_id,
            "outcome": measure.status.value,
            "code": measure.code or "",
            "ms": measure.total_ms,
        },
    )


def tell_attempt(model: Model, code: str) -> None:
    """Count and log a provider that failed before anything of an answer had come: the caller may hear another one's answer."""
    count_attempt(model.id, model.provider_id, code)
    log.info("attempt failed", extra={"model": model.id, "provider": model.provider_id, "code": code})
