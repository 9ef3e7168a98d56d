"""What a monitor may see: rates, times and tokens by model and provider, never by person.

Counted in this process. With several workers, `PROMETHEUS_MULTIPROC_DIR` makes the library add them up.
"""

import os
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from chat.kernel.feature import Reading
from chat.metering.ledger import Measure

_REGISTRY = CollectorRegistry()
_BY_MODEL = ("model", "provider")

_answers = Counter("candor_answers", "Answers by how they ended.", (*_BY_MODEL, "status"), registry=_REGISTRY)
_tokens = Counter("candor_tokens", "Tokens in and out.", (*_BY_MODEL, "direction"), registry=_REGISTRY)
_first = Histogram(
    "candor_first_token_seconds",
    "Time from the call to the first token.",
    _BY_MODEL,
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=_REGISTRY,
)
_whole = Histogram(
    "candor_answer_seconds",
    "Time from the call to the end of the answer.",
    (*_BY_MODEL, "status"),
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
    registry=_REGISTRY,
)
_failures = Counter("candor_failures", "Answers that failed, by the code of why.", (*_BY_MODEL, "code"), registry=_REGISTRY)
_attempts = Counter(
    "candor_attempts_failed",
    "Requests of programs that a provider failed before anything of an answer had come, also where another one answered then.",
    (*_BY_MODEL, "code"),
    registry=_REGISTRY,
)
streams_open = Gauge("candor_streams_open", "Answers that are arriving now.", registry=_REGISTRY, multiprocess_mode="livesum")


def count(model: str, provider: str, measure: Measure) -> None:
    """Add one answer to the counts."""
    status = measure.status.value
    _series(_answers, model, provider, status).inc()
    _series(_tokens, model, provider, "in").inc(measure.counted_input)
    _series(_tokens, model, provider, "out").inc(measure.counted_output)
    _series(_whole, model, provider, status).observe(measure.total_ms / 1000)
    if measure.code is not None:
        _series(_failures, model, provider, measure.code).inc()
    if measure.first_token_ms is not None:
        _series(_first, model, provider).observe(measure.first_token_ms / 1000)


def count_attempt(model: str, provider: str, code: str) -> None:
    """Add one request that failed before anything of an answer had come."""
    _series(_attempts, model, provider, code).inc()


@lru_cache(maxsize=4096)
def _series(metric: Any, *labels: str) -> Any:
    """Return the metric of these labels. The library looks each one up under a lock, and there are few."""
    return metric.labels(*labels)


def exposition(readings: Iterable[Reading]) -> bytes:
    """Return the counts, and what was read of the site's state, in Prometheus' text format."""
    counted = _REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    return generate_latest(counted) + generate_latest(_registry_of(readings))


def _registry_of(readings: Iterable[Reading]) -> CollectorRegistry:
    # No gauges of the library: with several workers it would keep each one's in files, and these belong to no process.
    families: dict[str, GaugeMetricFamily] = {}
    for one in readings:
        family = families.setdefault(one.name, GaugeMetricFamily(one.name, one.help, labels=list(one.labels)))
        family.add_metric(list(one.labels.values()), one.value)
    registry = CollectorRegistry()
    registry.register(_Read(families.values()))
    return registry


class _Read(Collector):
    def __init__(self, families: Iterable[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
