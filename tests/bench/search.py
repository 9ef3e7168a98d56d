"""Search over one person's 10,000 messages of 2 KB each: `python -m tests.bench.search`."""

import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.machine import Figure, show
from tests.bench.seed import site_with_history
from tests.browser import Browser


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        site_with_history(Path(folder), conversations=500, turns=20, length=2000) as (_app, client),
    ):
        token = client.csrf("/")
        figures = [
            Figure("a word of one message", _median(client, token, "needle250x7"), "ms", most=300),
            Figure("a word of every message", _median(client, token, "people"), "ms", most=300),
            Figure("a word of no message", _median(client, token, "absent"), "ms", most=300),
        ]
        show("Search over 10,000 messages of 2 KB, median of 9", figures)


def _median(client: Browser, token: str, query: str) -> float:
    times = []
    for _ in range(9):
        began = time.perf_counter()
        response = client.post("/history/search", data={"csrf_token": token, "query": query})
        times.append((time.perf_counter() - began) * 1000)
        assert response.status_code == 200
    return statistics.median(times)


if __name__ == "__main__":
    main()
