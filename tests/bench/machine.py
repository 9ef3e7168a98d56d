"""What every benchmark prints: the machine it ran on, and a table of what came out against what was to be reached."""

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1


@dataclass(frozen=True)
class Figure:
    """One result. `most` or `least` is what was to be reached, where there is such a figure."""

    what: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def goal(self) -> str:
        if self.most is not None:
            return f"≤ {self.most:,g}"
        return f"≥ {self.least:,g}" if self.least is not None else ""

    @property
    def verdict(self) -> str:
        if self.most is not None:
            return "reached" if self.value <= self.most else "MISSED"
        if self.least is not None:
            return "reached" if self.value >= self.least else "MISSED"
        return ""


def show(title: str, figures: Sequence[Figure]) -> None:
    """Print the figures as a Markdown table under a line about the machine."""
    print(f"\n### {title}\n\n{describe()}\n")
    print("| what | measured | to reach | |\n|---|---:|---:|---|")
    for one in figures:
        print(f"| {one.what} | {_number(one.value)} {one.unit} | {one.goal} | {one.verdict} |")


def describe() -> str:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    day = datetime.now(UTC).date()
    return f"{_processor()}, {os.cpu_count()} cores, {system}, {day}, load before: {load}"


def pin(core: int) -> None:
    """Keep this process, and what it starts from now on, on one core where there are two."""
    if (os.cpu_count() or 1) > 1 and sys.platform == "linux":
        os.sched_setaffinity(0, {core})


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
