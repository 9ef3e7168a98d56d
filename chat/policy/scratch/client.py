"""The HTTP client of whoever visits a scratch instance."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

# A busy machine is slow, and slow is not broken.
_SECONDS = 120
# Nobody is asked but this machine, over plain HTTP: a client of its own would read the machine's authorities each time.
ONLY_HERE = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def open_client(url: str, *, address: str | None = None, **options: Any) -> httpx2.Client:
    """Return a client of that instance alone, which calls from `address` where one is given."""
    import httpx2  # noqa: PLC0415  # servers know the checks, for the policy's page, and visit nobody: see LAZY in tests/shape

    transport = httpx2.HTTPTransport(local_address=address, verify=ONLY_HERE)
    return httpx2.Client(base_url=url, timeout=_SECONDS, trust_env=False, transport=transport, **options)
