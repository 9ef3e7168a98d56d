"""Whether people can do what they are told they can."""

from urllib.parse import urlsplit

from chat.policy.checks.asking import due
from chat.policy.promise import require
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.page import Page

# Headers by which sites tell where somebody is, and what they would say.
_PLACES = (
    {"Accept-Language": "en-US", "CF-IPCountry": "US"},
    {"Accept-Language": "de-DE", "CF-IPCountry": "DE"},
    {"Accept-Language": "tr-TR", "CF-IPCountry": "TR"},
    {"Accept-Language": "zh-HK", "CF-IPCountry": "HK"},
)


def complain(scratch: Scratch) -> str:
    """The policy names who answers for the site, the authority and the data protection officer, if there is one."""
    page = scratch.visitor().page("/privacy")
    links = {one.get("href") for one in page.all("a")}
    law = scratch.profile.law
    named = [one for one in (law.controller, law.authority, law.dpo) if one]
    for contact in named:
        for words in (contact.name, contact.address, contact.phone):
            require(words in page.text, f"The policy does not name {words}.")
        if contact.email:
            require(f"mailto:{contact.email}" in links, f"The policy gives no way to write to {contact.name}.")
        if contact.url:
            require(str(contact.url) in links, f"The policy does not lead to {contact.name}.")
    due(scratch, "complaint")
    return (
        f"The policy names {', '.join(contact.name for contact in named)}, and how to reach them; "
        "a complaint was taken and told by when it is answered."
    )


def everywhere(scratch: Scratch) -> str:
    """The settings look the same from everywhere."""
    person = scratch.person()
    pages = sorted(
        {
            urlsplit(one.get("href")).path
            for one in person.page("/settings/privacy").all("a")
            if one.get("href").startswith("/settings/")
        }
        | {"/privacy"}
    )
    for path in pages:
        seen = {}
        for place in _PLACES:
            response = person.get(path, headers=place)
            require(response.status_code == 200, f"{path} answered {response.status_code} to {place['Accept-Language']}.")
            seen[place["CF-IPCountry"]] = sorted(_acts(response.text))
        require(len({tuple(one) for one in seen.values()}) == 1, f"{path} does not offer the same to everybody.")
    return f"{len(pages)} pages offered the same acts to people of {len(_PLACES)} places."


def _acts(html: str) -> set[str]:
    return {f"{one.get('method')} {one.get('action')}" for one in Page(html).all("form")}
