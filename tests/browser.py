"""The client that view tests use. Every page it fetches is checked: what a page of ours must have, and must not."""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chat.policy.scratch.page import Element, Page, form_data, form_fields

__all__ = ["Browser", "Element", "Page", "check_page", "form_data", "form_fields"]

_LABELLED = ("input", "select", "textarea")
_ASSETS = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src", "audio": "src", "video": "src"}


class Browser(FlaskClient):
    """Flask's test client, which looks at every page it is given, and can fill in a form as a person does."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        # In a context of its own, as a server does it: the test's context would lend each request the last one's `g`.
        with self.application.app_context():
            response = super().open(*args, **kwargs)
        if response.mimetype == "text/html" and not response.is_streamed and response.status_code not in (301, 302, 303, 307):
            html = response.get_data(as_text=True)
            if "<html" in html:
                check_page(_parsed(html))
        return response

    def page(self, path: str, status: int = 200, **kwargs: Any) -> Page:
        """Fetch `path`, following redirects, and return the page."""
        response = self.get(path, follow_redirects=True, **kwargs)
        assert response.status_code == status, f"{path} answered {response.status_code}"
        return _parsed(response.get_data(as_text=True))

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


@lru_cache(maxsize=4)
def _parsed(html: str) -> Page:
    """The page, parsed once for its check and for the test that asked for it. Nobody changes it."""
    return Page(html)


def check_page(page: Page) -> None:
    """Fail with everything that is wrong with this page."""
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
