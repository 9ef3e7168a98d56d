"""Who may call an endpoint, and which act goes on for an account that is frozen.

Every endpoint carries exactly one audience, and every one that takes a POST of a person says what a freeze does to it.
tests/shape/test_routes.py fails on one without.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import ParamSpec, TypeVar

from flask import Flask
from flask_security import auth_required

P = ParamSpec("P")
R = TypeVar("R")

# How long a password entry counts as "just now" for what needs it (minutes).
SUDO_MINUTES = 10


class Audience(StrEnum):
    PUBLIC = "public"
    SIGNED_IN = "signed in"
    SUDO = "signed in just now"
    ADMIN = "operator"
    API_KEY = "api key"


class WhenFrozen(StrEnum):
    """What an act does when its person's account is frozen: kept, and used for nothing (GDPR Art. 18)."""

    GOES_ON = "goes on"  # looking, taking, deleting, withdrawing, signing out, and what keeps the account safe
    REFUSED = "is refused"  # whatever uses or changes what is kept; also what says nothing
    ANSWERED = "is refused by the view itself"  # which gives back what was written


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Anybody may call this."""
    return mark(view, Audience.PUBLIC)


def signed_in(view: Callable[P, R]) -> Callable[P, R]:
    """Only people with a session; others are asked to sign in."""
    return mark(auth_required("session")(view), Audience.SIGNED_IN)


def sudo(view: Callable[P, R]) -> Callable[P, R]:
    """Only people who proved within the last minutes that it is them; others are asked again."""
    return mark(auth_required("session", within=SUDO_MINUTES, grace=0)(view), Audience.SUDO)


def even_frozen(view: Callable[P, R]) -> Callable[P, R]:
    """This goes on for a frozen account."""
    return _mark_frozen(view, WhenFrozen.GOES_ON)


def not_frozen(view: Callable[P, R]) -> Callable[P, R]:
    """This is refused to a frozen account before the view is asked; `accounts.views` refuses it."""
    return _mark_frozen(view, WhenFrozen.REFUSED)


def answers_frozen(view: Callable[P, R]) -> Callable[P, R]:
    """The view itself refuses a frozen account: an error page would lose what was written."""
    return _mark_frozen(view, WhenFrozen.ANSWERED)


def declare(app: Flask, endpoint: str, audience: Audience) -> None:
    """State the audience of a view that a library brought; the library's own guard enforces it."""
    mark(app.view_functions[endpoint], audience)


def audience_of(view: Callable[..., object]) -> Audience | None:
    return getattr(view, "audience", None)


def when_frozen(view: Callable[..., object]) -> WhenFrozen | None:
    return getattr(view, "when_frozen", None)


def _mark_frozen(view: Callable[P, R], act: WhenFrozen) -> Callable[P, R]:
    view.when_frozen = act  # type: ignore[attr-defined]
    return view


def mark(view: Callable[P, R], audience: Audience) -> Callable[P, R]:
    """Return `view` with its audience stated; whoever marks it guards it."""
    view.audience = audience  # type: ignore[attr-defined]
    return view
