"""What the diagnostics' templates are given, and our codes of failures in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from chat.diagnostics.models import FailedExchange
from chat.providers.catalogue import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureView:
    public_id: str
    failed_at: datetime
    expires_at: datetime
    model: str
    provider: str
    code: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """A part of a message: words, or a file of which name and size are shown."""

    text: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    by_person: bool
    parts: list[PartView]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedView:
    instructions: str
    messages: list[MessageView]
    parameters: list[tuple[str, str]]
    text: str
    reasoning: str


def failure_view(row: FailedExchange, catalogue: Catalogue) -> FailureView:
    model = catalogue.find_model(row.model)
    return FailureView(
        public_id=row.public_id,
        failed_at=row.failed_at,
        expires_at=row.expires_at,
        model=model.name if model else row.model,
        provider=model.provider_name if model else row.provider,
        code=row.code,
        words=_words(row.code),
    )


def opened_view(opened: Mapping[str, Any]) -> OpenedView:
    parameters = opened["parameters"]
    shown = [
        (_("Model, as its provider calls it"), parameters["model"]),
        (_("Temperature"), parameters["temperature"]),
        (_("Longest answer, in tokens"), parameters["max_tokens"]),
    ]
    return OpenedView(
        instructions=opened["system"],
        messages=[
            MessageView(by_person=one["role"] == "user", parts=[_part(part) for part in one["parts"]])
            for one in opened["messages"]
        ],
        parameters=[(name, str(value)) for name, value in shown if value is not None],
        text=opened["text"],
        reasoning=opened["reasoning"],
    )


def _part(part: Mapping[str, str]) -> PartView:
    match part["kind"]:
        case "image":
            return PartView(text="", file=_("Picture, %(size)d KB", size=max(1, len(part["data"]) * 3 // 4000)))
        case "file":
            return PartView(text=part["text"], file=part["name"])
        case _:
            return PartView(text=part["text"], file="")


def _words(code: str) -> str:
    words: dict[str, str] = {
        "provider_timeout": _("The provider did not answer in time"),
        "provider_cut": _("The answer was cut off"),
        "provider_rejected": _("The provider rejected the request"),
        "provider_garbled": _("The provider's answer could not be understood"),
        "provider_unreachable": _("The provider could not be reached"),
        "provider_overloaded": _("The provider was overloaded"),
        "provider_filtered": _("The provider's filter stopped the answer"),
        "failed": _("Something went wrong on our side"),
    }
    return words.get(code, _("The provider failed"))
