"""Where a request came from, only as exactly as the profile allows. No other module reads an address."""

import ipaddress
import re
from ipaddress import IPv4Address, IPv6Address

from flask import request

from chat.kernel.profile import Address
from chat.kernel.site import current_site


def client_address() -> str:
    """Return the caller's address for counting in memory; what is written down goes through `address_to_keep`.

    An IPv6 caller is its /64: one household or server has that many addresses to itself.
    """
    address = request.remote_addr or "unknown"
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
    return address


def client_ip() -> IPv4Address | IPv6Address | None:
    """Return the caller's whole address, for comparing with networks that somebody allowed; it is kept nowhere."""
    try:
        return ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return None


def address_to_keep() -> str | None:
    """Return as much of the caller's address as may be written down here."""
    return cut_address(request.remote_addr, current_site().profile.collect.address)


def country_to_keep() -> str | None:
    """Return the country the caller seems to be in, as ISO 3166 has it, where it may be written down and the proxy tells it.

    It is as approximate as the proxy's own list; nothing here looks addresses up. What is no country ("XX", "T1") is None.
    """
    site = current_site()
    header = site.settings.chat_country_header
    if header is None or not site.profile.collect.country:
        return None
    told = request.headers.get(header, "").strip().upper()
    return told if re.fullmatch(r"[A-Z]{2}", told) and told != "XX" else None


def cut_address(address: str | None, keep: Address) -> str | None:
    """Return what `keep` leaves of `address`: all of it, its /24 (IPv6: /48), or None."""
    if keep is Address.NONE or not address:
        return None
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if keep is Address.FULL:
        return str(parsed)
    return str(ipaddress.ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False))


def is_loopback() -> bool:
    """Whether the caller is on this machine."""
    address = client_ip()
    return address is not None and address.is_loopback


def forwarded(address: str, hops: int) -> dict[str, str]:
    """Return the header by which so many reverse proxies tell an application behind them that `address` asks."""
    return {"X-Forwarded-For": ", ".join([address] * hops)} if hops else {}
