"""`x-candor-policy`: what one request demands of whoever answers, beside what its key and the site demand.

A list with commas: `no_training`, `zero_retention`, `region=NAME` (several are a choice). What is not understood is refused:
a demand with a typing error must not be no demand.
"""

import re

from chat.gateway.requests import BadRequest
from chat.providers.demands import Demands

NAME = "x-candor-policy"
_ONE = r"(no_training|zero_retention|region=[A-Za-z0-9][A-Za-z0-9 ._-]*)"
PATTERN = rf"{_ONE}(, ?{_ONE})*"
_LIST = re.compile(PATTERN)


def demands_of_header(text: str | None) -> Demands:
    """Return what the header demands; without one, nothing more. Raises BadRequest for what is not understood."""
    if text is None:
        return Demands(no_training=False)
    if not _LIST.fullmatch(text.strip()):
        raise BadRequest(
            f"`{NAME}` must be a list of `no_training`, `zero_retention` and `region=NAME`, with commas.", code="invalid_policy"
        )
    wanted = [one.strip() for one in text.split(",")]
    regions = frozenset(one.removeprefix("region=").strip() for one in wanted if one.startswith("region="))
    return Demands(
        no_training="no_training" in wanted,
        most_retention_days=0 if "zero_retention" in wanted else None,
        regions=regions or None,
    )
