"""The one column type that may hold content. It takes only what was encrypted; nothing else fits in."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


@dataclass(frozen=True, slots=True)
class Sealed:
    """Ciphertext on its way to or from a row. Made for writing by `consent.gate` alone (tests/shape/test_gate.py)."""

    blob: bytes


class SealedContent(sa.types.TypeDecorator[Sealed]):
    """A column of `Sealed`. A plain string or bytes is a programming error and never reaches the database."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sealed | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise TypeError("content is written only as Sealed, through the gate of chat.consent")
        return value.blob

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Sealed | None:
        return None if value is None else Sealed(value)
