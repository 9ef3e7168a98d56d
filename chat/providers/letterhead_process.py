"""Prints what an SDK writes above a request, as JSON: `python -m chat.providers.letterhead_process openai`.

The SDK makes one request, to a place that there is not and with a key that is none, and it is not sent. Content is not in it.
"""

import json
import logging
import sys
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx2

from chat.providers.letterhead import KEY, PLACE

_DROPPED = ("accept-encoding", "connection", "content-length", "cookie", "host", "user-agent")


class _Draft(httpx2.BaseTransport):
    """Keeps the request that it is handed, and sends nothing."""

    def __init__(self) -> None:
        self.request: httpx2.Request | None = None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.request = request
        raise httpx2.ConnectError("a draft is not sent")


def draw(sdk: str) -> dict[str, Any]:
    """Return the path below a provider's address, and the headers."""
    draft = _Draft()
    with httpx2.Client(transport=draft, trust_env=False, follow_redirects=False) as client:
        _ask(sdk, client)
    assert draft.request is not None
    address = urlsplit(str(draft.request.url))
    return {"path": address.path.removeprefix(urlsplit(PLACE).path), "headers": _headers(draft.request)}


def _ask(sdk: str, client: httpx2.Client) -> None:
    # One of the two is installed for nothing here, and each costs most of a second to import.
    if sdk == "openai":
        import openai  # noqa: PLC0415

        with suppress(openai.APIConnectionError):
            asking = openai.OpenAI(api_key=KEY, base_url=PLACE, max_retries=0, http_client=client)
            asking.chat.completions.create(model="", messages=(), stream=True)
    else:
        import anthropic  # noqa: PLC0415

        with suppress(anthropic.APIConnectionError):
            claude = anthropic.Anthropic(api_key=KEY, base_url=PLACE, max_retries=0, open_telemetry=False, http_client=client)
            claude.messages.create(model="", messages=(), max_tokens=1, stream=True)


def _headers(request: httpx2.Request) -> dict[str, str]:
    """Return what the provider must know: not the machine's make, which the SDKs add, nor a wish for compressed events."""
    kept = {
        name: value for name, value in request.headers.items() if name not in _DROPPED and not name.startswith("x-stainless-")
    }
    return kept | {"accept-encoding": "identity", "user-agent": "candor"}


if __name__ == "__main__":
    # SDKs log requests, and read OPENAI_LOG and ANTHROPIC_LOG for how much: standard output is for the answer alone.
    logging.disable()
    sys.stdout.write(json.dumps(draw(sys.argv[1])))
