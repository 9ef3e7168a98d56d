"""Amounts of money as people write and read them. Inside they are integers, millionths of a dollar; no float touches them."""

import re
from decimal import Decimal

from flask_babel import gettext as _

from chat.kernel.errors import Problem

MICROS = 1_000_000
_WRITTEN = re.compile(r"\$?\s?([0-9]{1,9}(?:\.[0-9]{1,6})?)", re.ASCII)


def parse_dollars(text: str) -> int:
    """Return the millionths of a dollar that somebody wrote as `20` or `2.50`. Raises Problem for anything else."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise Problem(_("Write an amount in dollars, like 20 or 2.50."))
    return int(Decimal(found[1]) * MICROS)


def say_dollars(amount: int) -> str:
    """Return an amount to read: cents always, and as much of what is smaller as there is."""
    sign, (whole, rest) = "-" if amount < 0 else "", divmod(abs(amount), MICROS)
    parts = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}${whole:,}.{parts}"


def write_dollars(amount: int | None) -> str:
    """Return an amount as a form shows it, so that `parse_dollars` reads the same one; nothing for no amount."""
    return "" if amount is None else say_dollars(amount).replace("$", "").replace(",", "")
