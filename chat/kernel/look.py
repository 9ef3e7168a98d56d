"""How a page looks: theme and text size, as attributes of its root element, so that no script is needed and nothing flashes.

They come from the preferences cookie, which exists only with consent, or else from the session, which ends with the visit.
Reading them asks neither the database nor anybody else: error pages look the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from flask import Flask, has_request_context, request, session

from chat.kernel.cookies import LOOK

THEMES = ("system", "light", "dark")
SIZES = ("normal", "large", "larger")
_IN_SESSION = "look"


@dataclass(frozen=True, slots=True)
class Look:
    theme: str = "system"
    size: str = "normal"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the look that `str()` wrote; None for anything else, as a cookie may hold what it likes."""
        theme, _, size = text.partition(".")
        return cls(theme, size) if theme in THEMES and size in SIZES else None

    def __str__(self) -> str:
        return f"{self.theme}.{self.size}"

    @property
    def attributes(self) -> Mapping[str, str]:
        """What the root element carries: nothing where everything is as usual."""
        named = {"data-theme": (self.theme, "system"), "data-text": (self.size, "normal")}
        return {name: value for name, (value, usual) in named.items() if value != usual}


def current_look() -> Look:
    """Return the look of this browser's pages."""
    if not has_request_context():
        return Look()
    return Look.parse(request.cookies.get(LOOK.name, "")) or Look.parse(str(session.get(_IN_SESSION, ""))) or Look()


def look_for_this_visit(look: Look) -> None:
    """Remember `look` in the session."""
    session[_IN_SESSION] = str(look)


def share_look(app: Flask) -> None:
    """Let every template ask for it."""
    app.jinja_env.globals["current_look"] = current_look
