"""The client that view tests use. Every page it fetches is checked: what a page of ours must have, and must not."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
_LABELLED = ("input", "select", "textarea")
_FIELDS = ("input", "select", "textarea", "button")
_ASSETS = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src", "audio": "src", "video": "src"}


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
                yield from child._words()

    def is_inside(self, tag: str) -> bool:
        return self.parent is not None and (self.parent.tag == tag or self.parent.is_inside(tag))


class Page(Element):
    """A whole parsed page."""

    def __init__(self, html: str) -> None:
        super().__init__("#page", {})
        _Parser(self).feed(html)

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
        assert len(forms) == 1, f"{len(forms)} forms match {action!r}: {[one.get('action') for one in self.all('form')]}"
        return forms[0]


class Browser(FlaskClient):
    """Flask's test client, which looks at every page it is given, and can fill in a form as a person does."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        # In a context of its own, as a server does it: the test's context would lend each request the last one's `g`.
        with self.application.app_context():
            response = super().open(*args, **kwargs)
        if response.mimetype == "text/html" and not response.is_streamed and response.status_code not in (301, 302, 303, 307):
            html = response.get_data(as_text=True)
            if "<html" in html:
                check_page(html)
        return response

    def page(self, path: str, status: int = 200, **kwargs: Any) -> Page:
        """Fetch `path`, following redirects, and return the page."""
        response = self.get(path, follow_redirects=True, **kwargs)
        assert response.status_code == status, f"{path} answered {response.status_code}"
        return Page(response.get_data(as_text=True))

    def submit(
        self,
        path: str,
        fields: dict[str, Any] | None = None,
        *,
        action: str | None = None,
        follow: bool = True,
        button: str | None = None,
    ) -> TestResponse:
        """Fetch the page at `path`, fill `fields` into the form with `action`, and send it. `button` names the one pressed."""
        return self.submit_form(self.page(path).form(action), path, fields or {}, follow=follow, button=button)

    def submit_form(
        self, form: Element, path: str, fields: dict[str, Any], *, follow: bool = True, button: str | None = None
    ) -> TestResponse:
        """Send `form`, found on the page at `path`, with `fields` over what it holds; None unticks or leaves out a field."""
        data = form_data(form, button)
        known = {one.get("name") for one in form_fields(form)}
        assert set(fields) <= known, f"the form has no field {set(fields) - known}"
        data = {name: value for name, value in (data | fields).items() if value is not None}
        target = form.get("action") or path
        send = self.get if form.get("method").lower() != "post" else self.post
        response: TestResponse
        if send == self.post:
            response = self.post(target, data=data, follow_redirects=follow, content_type=form.get("enctype") or None)
        else:
            response = self.get(target, query_string=data, follow_redirects=follow)
        return response

    def csrf(self, path: str = "/") -> str:
        """A CSRF token for this session, from the page at `path`."""
        return next(one.get("value") for one in self.page(path).all("input") if one.get("name") == "csrf_token")


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


def check_page(html: str) -> None:
    """Fail with everything that is wrong with this page."""
    page = Page(html)
    faults = [*_skeleton(page), *_labels(page), *_forms(page), *_inline(page), *_identifiers(page), *_third_parties(page)]
    assert not faults, "this page has faults:\n  " + "\n  ".join(faults)


def _skeleton(page: Page) -> Iterator[str]:
    for tag in ("title", "h1", "main"):
        found = list(page.all(tag))
        if tag == "title":
            # An SVG may have a title of its own.
            found = [one for one in found if not one.is_inside("svg")]
        if len(found) != 1:
            yield f"{len(found)} <{tag}> where one belongs"
        elif tag != "main" and not found[0].text:
            yield f"an empty <{tag}>"
    if not page.first("html").get("lang"):
        yield "<html> without lang"
    for image in page.all("img"):
        if "alt" not in image.attributes:
            yield f"an image without alt: {image.get('src')}"
    for button in page.all("button"):
        if not (button.text or button.get("aria-label") or button.get("aria-labelledby") or button.get("title")):
            yield f"a button without a name: {button.attributes}"


def _labels(page: Page) -> Iterator[str]:
    labelled = {one.get("for") for one in page.all("label") if one.text}
    for one in page.all(*_LABELLED):
        if one.get("type") in ("hidden", "submit", "button", "image") or "hidden" in one.attributes:
            continue
        has_name = one.get("aria-label") or one.get("aria-labelledby")
        if not (one.get("id") in labelled or one.is_inside("label") or has_name):
            yield f"<{one.tag} name={one.get('name')!r}> without a label"


def _forms(page: Page) -> Iterator[str]:
    for form in page.all("form"):
        tokens = [one for one in form.all("input") if one.get("name") == "csrf_token" and one.get("value")]
        if form.get("method").lower() == "post" and len(tokens) != 1:
            yield f"a form to {form.get('action')!r} with {len(tokens)} CSRF tokens"
        if form.get("method").lower() != "post" and tokens:
            yield f"a GET form to {form.get('action')!r} that would put the CSRF token into the URL"


def _inline(page: Page) -> Iterator[str]:
    for one in page.all():
        if one.tag == "style":
            yield "an inline <style>"
        if one.tag == "script" and not one.get("src") and one.get("type") not in ("application/json", "importmap"):
            yield "an inline <script>"
        for name, value in one.attributes.items():
            if name.startswith("on") or (name == "style" and not one.is_inside("math")):
                yield f"an inline {name}= on <{one.tag}>"
            if value.strip().lower().startswith("javascript:"):
                yield f"a javascript: address on <{one.tag}>"


def _identifiers(page: Page) -> Iterator[str]:
    counted = Counter(one.get("id") for one in page.all() if one.get("id"))
    for name, times in counted.items():
        if times > 1:
            yield f"the id {name!r} {times} times"
    for one in page.all():
        for attribute in ("for", "aria-labelledby", "aria-describedby", "aria-controls", "list", "form"):
            for name in one.get(attribute).split():
                if name not in counted:
                    yield f"<{one.tag} {attribute}={name!r}> that leads nowhere"


def _third_parties(page: Page) -> Iterator[str]:
    for one in page.all(*_ASSETS):
        address = one.get(_ASSETS[one.tag])
        if urlsplit(address).netloc:
            yield f"<{one.tag}> from elsewhere: {address}"
        if one.get("srcset"):
            yield f"<{one.tag}> with srcset, which this check does not read"


def _is_main_form(form: Element) -> bool:
    return form.get("method").lower() == "post" and form.is_inside("main")


class _Parser(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = [page]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, parent=self._open[-1])
        self._open[-1].children.append(element)
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
