"""The one gate to storage: content is sealed for a row only with a permit, and only the ledger's yes makes a permit.

A permit is good for the transaction in which it was issued: `issue` makes a withdrawal at the same moment wait.
"""

from dataclasses import dataclass

from chat.accounts.models import Account
from chat.consent.ledger import holds
from chat.consent.purposes import Purpose
from chat.kernel import crypto
from chat.kernel.errors import Refused
from chat.kernel.keyring import Keyring
from chat.kernel.sealed import Sealed


class NotPermitted(Refused):
    code = "not_permitted"


@dataclass(frozen=True, slots=True, repr=False)
class Permit:
    """Leave to write one person's content for one purpose. Made by `issue` alone (tests/shape/test_gate.py)."""

    account: str
    purpose: Purpose
    key: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """The column of the row that content belongs to. Its identity is bound into the ciphertext."""

    table: str
    column: str
    row: str

    def bound_to(self, account: str) -> bytes:
        return f"{self.table}/{self.column}/{self.row}/{account}".encode()


def issue(account: Account, purpose: Purpose, keyring: Keyring) -> Permit:
    """Return a permit for this transaction. Raises NotPermitted unless the person's latest word on `purpose` is yes."""
    if not holds(account, purpose):
        raise NotPermitted("Nothing was stored: this account has not agreed to that.")
    keyring.create(account.public_id)
    return Permit(account.public_id, purpose, keyring.key_of(account.public_id))


def seal(permit: Permit, place: Place, content: bytes) -> Sealed:
    """Return `content` encrypted under the account's key and bound to `place`."""
    return Sealed(crypto.encrypt(permit.key, content, place.bound_to(permit.account)))


class Reader:
    """Opens one person's own content. Reading needs no consent: what is theirs they may always see."""

    def __init__(self, account: Account, keyring: Keyring) -> None:
        self._account = account.public_id
        self._key = keyring.key_of(account.public_id)

    def open(self, place: Place, sealed: Sealed) -> bytes:
        """Return the content. Raises CannotOpen when it was altered or belongs elsewhere."""
        return crypto.decrypt(self._key, sealed.blob, place.bound_to(self._account))
