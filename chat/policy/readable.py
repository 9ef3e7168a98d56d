"""A policy's document as people read it: sections of plain lines. Old documents too, whatever they consist of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

_ITSELF = ("site", "language", "in_force_since")


@dataclass(frozen=True, slots=True)
class Part:
    """One section."""

    title: str
    lines: tuple[str, ...]


def readable(document: dict[str, Any]) -> list[Part]:
    """Return the document's sections. What this version of the software does not know is shown as it stands."""
    itself = [line for name in _ITSELF if name in document for line in _said(_title(name), str(document[name]))]
    parts = [Part(_("This policy"), tuple(itself))]
    for name, value in document.items():
        if name == "promises":
            parts += [_promises(section) for section in value]
        elif name not in _ITSELF:
            parts.append(Part(_title(name), tuple(_lines(name, value))))
    return [part for part in parts if part.lines]


def _promises(section: dict[str, Any]) -> Part:
    lines = [one["words"] for one in section["promises"] if one.get("offered", True)]
    return Part(str(section["title"]), tuple(map(str, lines)))


def _title(name: str) -> str:
    titles = {
        "site": _("Site"),
        "language": _("Language"),
        "in_force_since": _("Date"),
        "law": _("Who is responsible"),
        "consents": _("What is done only if you agree"),
        "address": _("Your IP address"),
        "held": _("What is held about you"),
        "retention_days": _("How long it is kept"),
        "models": _("Who gets what you write"),
        "cookies": _("Cookies"),
        "notices": _("Notices"),
        "subprocessors": _("Who works for us"),
    }
    return str(titles.get(name) or _words(name))


def _lines(name: str, value: Any) -> Iterator[str]:
    if (line := _LINES.get(name)) and isinstance(value, list):
        yield from (line(one) for one in value)
    elif name == "retention_days" and isinstance(value, dict):
        yield from (_how_long(key, amount) for key, amount in value.items())
    else:
        yield from _flat(value)


def _consent(one: dict[str, Any]) -> str:
    return str(_("%(title)s (wording %(number)s)", title=one["title"], number=one["revision"]))


def _held(one: dict[str, Any]) -> str:
    return " ".join(f"{_first_capital(one[part])}." for part in ("holds", "why", "how_long"))


def _subprocessor(one: dict[str, Any]) -> str:
    return f"{one['name']} ({one['region']}): {one['purpose']}"


def _how_long(key: str, amount: int) -> str:
    unit = _("years") if key.endswith("_years") else _("days")
    return f"{_first_capital(_words(key.removesuffix('_years')))}: {amount} {unit}"


def _model(model: dict[str, Any]) -> str:
    trains = _("trains on it") if model["trains"] else _("does not train on it")
    sentence: str = _(
        "%(id)s: %(provider)s, %(region)s, keeps it %(days)s days, %(trains)s",
        id=model["id"],
        provider=model["provider"],
        region=model["region"],
        days=model["retention_days"],
        trains=trains,
    )
    return sentence


# How one entry of each known list reads.
_LINES = {"consents": _consent, "held": _held, "models": _model, "subprocessors": _subprocessor}


def _flat(value: Any, under: str = "") -> Iterator[str]:
    match value:
        case dict():
            for name, inner in value.items():
                yield from _flat(inner, f"{under}, {_words(name)}" if under else _first_capital(_words(name)))
        case list() if any(isinstance(one, (dict, list)) for one in value):
            for one in value:
                yield from _flat(one, under)
        case list():
            yield from _said(under, ", ".join(map(str, value)))
        case bool():
            yield from _said(under, _("yes") if value else _("no"))
        case None:
            return
        case _:
            yield from _said(under, str(value))


def _said(under: str, text: str) -> Iterator[str]:
    if text:
        yield f"{under}: {text}" if under else text


def _words(name: str) -> str:
    return name.replace("_", " ")


def _first_capital(text: str) -> str:
    return text[:1].upper() + text[1:]
