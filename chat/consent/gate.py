"""The one gate to storage: content is sealed for a row only with a permit, and only the ledger's yes makes a permit.

A permit is good for the transaction in which it was issued: `issue` makes a withdrawal at the same moment wait.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chat.accounts.freezing import SENTENCE, is_frozen
from chat.accounts.models import Account
from chat.consent.ledger import holds
from chat.consent.purposes import Purpose
from chat.kernel import crypto
from chat.kernel.errors import Problem, Refused
from chat.kernel.keyring import Keyring
from chat.kernel.sealed import Sealed


class NotPermitted(Refused):
    code = "not_permitted"


class CannotRead(Problem):
    """What the account stored does not open: its key is gone, or the row was altered."""

    status = 410
    code = "cannot_read"


class Letter(StrEnum):
    """What somebody addresses to the site itself, for its people to read and answer (docs/adr/0012).

    Sending it is the act; no consent is asked for that, and nothing else may be stored on its ground.
    """

    REQUEST = "request"


# The one table that each letter is written to: a permit for a letter opens no other.
LETTERS_TABLE = {Letter.REQUEST: "person_request"}
_GUEST = "guest"


@dataclass(frozen=True, slots=True, repr=False)
class Permit:
    """Leave to write one person's content for one purpose. Made by this module alone (tests/shape/test_gate.py)."""

    account: str
    purpose: Purpose | Letter
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
    """Return a permit for this transaction. Raises NotPermitted unless the person's latest word on `purpose` is yes.

    The key was made with the account. None is made here: one that was destroyed must stay destroyed.
    """
    if not holds(account, purpose):
        if is_frozen(account.id):
            raise NotPermitted(SENTENCE)
        raise NotPermitted("Nothing was stored: keeping it is switched off for this account. The switch is in the settings.")
    return Permit(account.public_id, purpose, _key_of(account, keyring))


def accept(account: Account, letter: Letter, keyring: Keyring) -> Permit:
    """Return a permit for what the person is sending to the site itself. Raises CannotRead when their key is gone."""
    return Permit(account.public_id, letter, _key_of(account, keyring))


def accept_from_guest(letter: Letter, key: bytes) -> Permit:
    """Return a permit for what somebody without an account is sending to the site itself, under a key of the site's."""
    return Permit(_GUEST, letter, key)


def seal(permit: Permit, place: Place, content: bytes) -> Sealed:
    """Return `content` encrypted under the account's key and bound to `place`.

    Raises NotPermitted when the permit is for a letter, and the place is not where that letter is kept.
    """
    if isinstance(permit.purpose, Letter) and place.table != LETTERS_TABLE[permit.purpose]:
        raise NotPermitted("Nothing was stored: a letter to the operator is no place for anything else.")
    return Sealed(crypto.encrypt(permit.key, content, place.bound_to(permit.account)))


class Reader:
    """Opens one person's own content. Reading needs no consent: what is theirs they may always see.

    Raises CannotRead when the account's key is gone.
    """

    def __init__(self, account: Account, keyring: Keyring) -> None:
        self._account = account.public_id
        self._opener = crypto.Opener(_key_of(account, keyring))

    def open(self, place: Place, sealed: Sealed) -> bytes:
        """Return the content. Raises CannotRead when it was altered or belongs elsewhere."""
        try:
            return self._opener.open(sealed.blob, place.bound_to(self._account))
        except crypto.CannotOpen:
            raise CannotRead("What is stored here was altered or damaged, and does not open any more.") from None


class GuestReader(Reader):
    """Opens letters of people without an account, which are sealed under a key of the site's."""

    def __init__(self, key: bytes) -> None:
        self._account = _GUEST
        self._opener = crypto.Opener(key)


def reader_for(account: Account, purposes: Iterable[Purpose], keyring: Keyring) -> Reader:
    """Return a reader for somebody else than the person, for as long as this transaction lasts.

    Raises NotPermitted unless they agreed to all `purposes`, CannotRead when their key is gone.
    """
    if not all(holds(account, purpose) for purpose in purposes):
        raise NotPermitted("Nothing was read: this person has not agreed to that.")
    return Reader(account, keyring)


def _key_of(account: Account, keyring: Keyring) -> bytes:
    try:
        return keyring.key_of(account.public_id)
    except crypto.CannotOpen:
        raise CannotRead(
            "The key that opens what this account stored is not on this server, so nothing of it can be shown. "
            "Ask the site's operator to restore the keyring from its backup."
        ) from None
