"""Short ways to ask a provider and to read what it says."""

import traceback
from collections.abc import Iterable

import pytest

from chat.providers.base import Cancel, Event, Message, Provider, ProviderProblem, Request, Role, Text, TextDelta

SECRET = "the canary sings at dawn"


def asking(model: str, text: str = SECRET, **options: object) -> Request:
    return Request(model, (Message(Role.USER, (Text(text),)),), **options)  # type: ignore[arg-type]


def ask(provider: Provider, model: str, **options: object) -> list[Event]:
    return list(provider.stream(asking(model, **options), Cancel()))


def said(events: Iterable[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def problem_of(provider: Provider, model: str) -> ProviderProblem:
    """Return the problem that asking raises, after making sure that nothing of the prompt is in it or behind it."""
    with pytest.raises(ProviderProblem) as caught:
        ask(provider, model)
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error) + str(vars(error))
    assert SECRET not in shown
    assert error.__cause__ is None
    assert error.__context__ is None
    return error
