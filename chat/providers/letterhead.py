"""What stands above every request to a provider: its address and headers, as the provider's own SDK writes them.

An SDK's way from a call to bytes costs ten times what sending them does, walks every message, and ends in the same address and
the same headers each time. So it is asked for them once; what a request says is written below them by us.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

_DROPPED = ("accept-encoding", "connection", "content-length", "cookie", "host", "user-agent")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Where requests go and with which headers: the key is among them."""

    scheme: str
    host: str
    port: int | None
    path: str
    headers: dict[str, str] = field(repr=False)


class _Draft(httpx2.BaseTransport):
    """Keeps the request that it is handed, and sends nothing."""

    def __init__(self) -> None:
        self.request: httpx2.Request | None = None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.request = request
        raise httpx2.ConnectError("a draft is not sent")


def letterhead_of(ask: Callable[[httpx2.Client], object], failure: type[Exception]) -> Letterhead:
    """Return the letterhead of the requests that `ask` makes with an SDK; `failure` is what the SDK raises for one not sent."""
    draft = _Draft()
    with httpx2.Client(transport=draft, trust_env=False, follow_redirects=False) as client, suppress(failure):
        ask(client)
    assert draft.request is not None
    address = urlsplit(str(draft.request.url))
    path = f"{address.path}?{address.query}" if address.query else address.path
    return Letterhead(address.scheme, address.hostname or "", address.port, path, _headers(draft.request))


def _headers(request: httpx2.Request) -> dict[str, str]:
    """Return what the provider must know: not the machine's make, which the SDKs add, nor a wish for compressed events."""
    kept = {
        name: value for name, value in request.headers.items() if name not in _DROPPED and not name.startswith("x-stainless-")
    }
    return kept | {"accept-encoding": "identity", "user-agent": "candor"}
