"""A page as a program sees it: its elements, its words, its forms. Just enough to act like a browser without scripts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
_FIELDS = ("input", "select", "textarea", "button")


@dataclass
class Element:
    """An element of a page, with just enough around it for tests to ask about."""

    tag: str
    attributes: dict[str, str]
    parent: "Element | None" = None
    children: "list[Element | str]" = field(default_factory=list)

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)

    def all(self, *tags: str) -> "Iterator[Element]":
        """Every element below this one with one of these tags, in document order; every element if none is named."""
        for child in self.children:
            if isinstance(child, Element):
                if not tags or child.tag in tags:
                    yield child
                yield from child.all(*tags)

    def with_class(self, name: str) -> "list[Element]":
        return [one for one in self.all() if name in one.get("class").split()]

    @property
    def text(self) -> str:
        """The words inside, with white space as a browser would show it."""
        return " ".join("".join(self._words()).split())

    def _words(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in ("script", "style", "template"):
                yield from child._words()  # noqa: SLF001  # of its own kind

    def is_inside(self, tag: str) -> bool:
        return self.parent is not None and (self.parent.tag == tag or self.parent.is_inside(tag))


class Page(Element):
    """A whole parsed page."""

    def __init__(self, html: str) -> None:
        super().__init__("#page", {})
        parser = _Parser(self)
        parser.feed(html)
        self._elements = parser.elements

    def all(self, *tags: str) -> Iterator[Element]:
        # A whole page is asked for something dozens of times: its elements are in document order already.
        return iter([one for one in self._elements if one.tag in tags] if tags else self._elements)

    def first(self, *tags: str) -> Element:
        return next(self.all(*tags))

    def by_id(self, name: str) -> Element:
        return next(one for one in self.all() if one.get("id") == name)

    @property
    def heading(self) -> str:
        return self.first("h1").text

    def form(self, action: str | None = None) -> Element:
        """The one form with this action (a part of it is enough), or the page's only POST form in `main`."""
        forms = [one for one in self.all("form") if (action in one.get("action") if action else _is_main_form(one))]
        if len(forms) != 1:
            there = [one.get("action") for one in self.all("form")]
            raise LookupError(f"{len(forms)} forms match {action!r} on the page; there are {there}")
        return forms[0]


def form_data(form: Element, button: str | None = None) -> dict[str, Any]:
    """What a browser would send for `form` as it stands, pressing `button` (a name or a value) if one is meant."""
    data: dict[str, Any] = {}
    for one in form_fields(form):
        name = one.get("name")
        if name and "disabled" not in one.attributes:
            value = _value(one, button)
            if value is not None:
                data[name] = value
    return data


def form_fields(form: Element) -> list[Element]:
    """The fields of `form`: those inside it, and those elsewhere on the page that name it."""
    page = form
    while page.parent is not None:
        page = page.parent
    name = form.get("id")
    outside = [one for one in page.all(*_FIELDS) if name and one.get("form") == name]
    return [*(one for one in form.all(*_FIELDS) if not one.get("form")), *outside]


def _value(one: Element, button: str | None) -> str | None:
    kind = one.get("type")
    if one.tag == "textarea":
        return "".join(child for child in one.children if isinstance(child, str)).removeprefix("\n")
    if one.tag == "select":
        options = list(one.all("option"))
        chosen = [option for option in options if "selected" in option.attributes] or options[:1]
        return chosen[0].get("value", chosen[0].text) if chosen else None
    if one.tag == "button" or kind in ("submit", "image"):
        return one.get("value") if button is not None and button in (one.get("name"), one.get("value")) else None
    if kind in ("checkbox", "radio"):
        return one.get("value", "on") if "checked" in one.attributes else None
    return None if kind == "file" else one.get("value")


def _is_main_form(form: Element) -> bool:
    return form.get("method").lower() == "post" and form.is_inside("main")


class _Parser(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = [page]
        self.elements: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, parent=self._open[-1])
        self._open[-1].children.append(element)
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].tag == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)
