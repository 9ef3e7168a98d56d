"""What the operator has to say to everybody, at the top of each page. Features know what there is to say; layouts print it.

Error pages print none: they work without the database.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Flask, current_app

_EXTENSION = "candor_banners"


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """A message: plain words, and addresses of this site with what to call them."""

    title: str
    text: str
    links: tuple[tuple[str, str], ...] = ()


Source = Callable[[], Sequence[Banner]]


def add_banners(app: Flask, source: Source) -> None:
    """Let every page show what `source` returns. It is asked with each page, so it must be quick."""
    app.extensions.setdefault(_EXTENSION, []).append(source)


def current_banners() -> list[Banner]:
    """Return what is to be said now."""
    sources: list[Source] = current_app.extensions.get(_EXTENSION, [])
    return [banner for source in sources for banner in source()]
