"""Which privacy notice is in force. The policy is made from everything, consent included, so consent cannot ask it: the policy
states its version here, and consent reads it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, current_app


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What the policy answers. Both are asked within requests, so both must be quick."""

    # The hash of the policy in force, which a consent records beside the words that were shown.
    version: Callable[[], str | None]
    # For a purpose: since when a consent must have been given to count, because a material change that it depends on has
    # taken effect; the moment that change was announced, so that a yes given in the period of notice counts. None: never.
    asks_again: Callable[[str], datetime | None]


_EXTENSION = "candor_notice"


def mount_notice(app: Flask, notice: Notice) -> None:
    """Tell the application where its policy's versions are."""
    app.extensions[_EXTENSION] = notice


def notice_version() -> str | None:
    """Return the version of the privacy policy in force; None on a site whose policy has no versions."""
    notice = _current()
    return notice.version() if notice else None


def asks_again_since(purpose: str) -> datetime | None:
    """Return the moment before which a consent to `purpose` was given under another policy, and so does not count."""
    notice = _current()
    return notice.asks_again(purpose) if notice else None


def _current() -> Notice | None:
    notice: Notice | None = current_app.extensions.get(_EXTENSION)
    return notice
