"""Prints what the SDKs write above a request, as JSON: `python -m chat.providers.letterhead_process`.

Each makes one request, to a place that there is not and with a key that is none, and it is not sent. Content is not in it.
"""

import json
import logging
import sys
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import anthropic
import httpx2
import openai

from chat.providers.letterhead import KEY, PLACE, SDKS, Sdk

_DROPPED = ("accept-encoding", "connection", "content-length", "cookie", "host", "user-agent")


class _Draft(httpx2.BaseTransport):
    """Keeps the request that it is handed, and sends nothing."""

    def __init__(self) -> None:
        self.request: httpx2.Request | None = None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.request = request
        raise httpx2.ConnectError("a draft is not sent")


def draw(sdk: Sdk) -> dict[str, Any]:
    """Return the path below a provider's address, and the headers."""
    draft = _Draft()
    with httpx2.Client(transport=draft, trust_env=False, follow_redirects=False) as client:
        if sdk == "openai":
            _ask_openai(client)
        else:
            _ask_anthropic(client)
    assert draft.request is not None
    address = urlsplit(str(draft.request.url))
    return {"path": address.path.removeprefix(urlsplit(PLACE).path), "headers": _headers(draft.request)}


def _ask_openai(client: httpx2.Client) -> None:
    asking = openai.OpenAI(api_key=KEY, base_url=PLACE, max_retries=0, http_client=client)
    with suppress(openai.APIConnectionError):
        asking.chat.completions.create(model="", messages=(), stream=True)


def _ask_anthropic(client: httpx2.Client) -> None:
    asking = anthropic.Anthropic(api_key=KEY, base_url=PLACE, max_retries=0, open_telemetry=False, http_client=client)
    with suppress(anthropic.APIConnectionError):
        asking.messages.create(model="", messages=(), max_tokens=1, stream=True)


def _headers(request: httpx2.Request) -> dict[str, str]:
    """Return what the provider must know: not the machine's make, which the SDKs add, nor a wish for compressed events."""
    kept = {
        name: value for name, value in request.headers.items() if name not in _DROPPED and not name.startswith("x-stainless-")
    }
    return kept | {"accept-encoding": "identity", "user-agent": "candor"}


if __name__ == "__main__":
    # SDKs log requests: standard output is for the answer alone.
    logging.disable()
    sys.stdout.write(json.dumps({sdk: draw(sdk) for sdk in SDKS}))
