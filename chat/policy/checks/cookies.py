"""Whether the browser is given no more than is said, and asks nobody else."""

import re
from http.cookies import Morsel, SimpleCookie
from urllib.parse import urlsplit

from chat.policy.promise import require
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.page import Page
from chat.policy.scratch.visitor import Person, Visitor

_COOKIE = "candor"
_MOST_PAGES = 80
_LOADED = {
    "script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src", "audio": "src", "video": "src",
    "object": "data", "embed": "src", "form": "action",
}  # fmt: skip
_IN_STYLES = re.compile(r"(?:url\(|@import)\s*[\"']?([^\"')\s;]+)")


def essential(scratch: Scratch) -> str:
    """Walk the site as guest and with an account: which cookies are set, and where do pages send the browser?"""
    seen, names = 0, set()
    for visitor in (scratch.visitor(), scratch.person()):
        walked, cookies = _walk(visitor)
        seen += walked
        names |= cookies
    require(names, "No cookie was set at all, so signing in cannot have worked.")
    require(names == {_COOKIE}, f"A cookie was set that is not said to be: {', '.join(sorted(names - {_COOKIE}))}.")
    return f"{seen} pages set one cookie and asked no other host for anything."


def _walk(visitor: Visitor) -> tuple[int, set[str]]:
    waiting, seen, cookies = ["/", "/privacy", "/login"], set[str](), set[str]()
    while waiting and len(seen) < _MOST_PAGES:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        response = visitor.get(path)
        for one in [response, *response.history]:
            cookies |= {name for line in one.headers.get_list("set-cookie") for name in SimpleCookie(line)}
        if "text/css" in response.headers.get("content-type", ""):
            asked = _IN_STYLES.findall(response.text)
            require(not _elsewhere(asked), f"A style sheet asks another host: {', '.join(_elsewhere(asked))}.")
        if "text/html" in response.headers.get("content-type", ""):
            page = Page(response.text)
            asked = [one.get(_LOADED[one.tag]) for one in page.all(*_LOADED)] + [one.get("srcset") for one in page.all("img")]
            require(not _elsewhere(asked), f"{path} asks another host: {', '.join(_elsewhere(asked))}.")
            policy = response.headers.get("content-security-policy", "")
            require("default-src 'self'" in policy, f"{path} does not forbid the browser to ask other hosts.")
            styles = [one.get("href") for one in page.all("link") if one.get("rel") == "stylesheet"]
            waiting += [link for link in [*(one.get("href") for one in page.all("a")), *styles] if link.startswith("/")]
    return len(seen), cookies


def _elsewhere(addresses: list[str]) -> list[str]:
    return [one for one in addresses if urlsplit(one).netloc]


def session(scratch: Scratch) -> str:
    """The cookie's attributes, as signing in sets it; and whether it is worth anything after signing out."""
    person = scratch.newcomer()
    person.sign_out()
    plain = _cookie_of(person, keep=False)
    require(
        not plain["expires"] and not plain["max-age"], "The session cookie outlives the browser although nobody asked for that."
    )
    require(plain["httponly"], "Scripts can read the session cookie.")
    require(plain["samesite"].lower() in ("lax", "strict"), "The session cookie is sent along with requests from other sites.")
    require(plain["secure"] or not scratch.settings.uses_https, "The session cookie may travel unencrypted.")
    thief = scratch.browser_of(person)
    thief.http.cookies.set(_COOKIE, plain.value)
    require(thief.is_signed_in(), "A session's cookie did not work in another browser, so ending it could not be shown.")
    person.sign_out()
    require(not thief.is_signed_in(), "A session's cookie still worked after signing out.")
    kept = _cookie_of(person, keep=True)
    require(kept["expires"] or kept["max-age"], "Staying signed in was asked for and did not happen.")
    return "The cookie ends with the browser unless one asks to stay signed in; after signing out, a copy of it was worthless."


def _cookie_of(person: Person, *, keep: bool) -> "Morsel[str]":
    response = person.sign_in(keep=keep)
    lines = [line for one in [*response.history, response] for line in one.headers.get_list("set-cookie")]
    found = [SimpleCookie(line)[_COOKIE] for line in lines if line.startswith(f"{_COOKIE}=")]
    require(found, "Signing in set no cookie.")
    return found[-1]
