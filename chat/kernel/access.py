"""Who may call an endpoint. Every endpoint carries exactly one audience; tests/shape/test_routes.py fails on one without."""

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


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Anybody may call this."""
    return mark(view, Audience.PUBLIC)


def signed_in(view: Callable[P, R]) -> Callable[P, R]:
    """Only people with a session; others are asked to sign in."""
    return mark(auth_required("session")(view), Audience.SIGNED_IN)


def sudo(view: Callable[P, R]) -> Callable[P, R]:
    """Only people who proved within the last minutes that it is them; others are asked again."""
    return mark(auth_required("session", within=SUDO_MINUTES, grace=0)(view), Audience.SUDO)


def declare(app: Flask, endpoint: str, audience: Audience) -> None:
    """State the audience of a view that a library brought; the library's own guard enforces it."""
    mark(app.view_functions[endpoint], audience)


def audience_of(view: Callable[..., object]) -> Audience | None:
    return getattr(view, "audience", None)


def mark(view: Callable[P, R], audience: Audience) -> Callable[P, R]:
    """Return `view` with its audience stated; whoever marks it guards it."""
    view.audience = audience  # type: ignore[attr-defined]
    return view
