"""Envelope encryption: content under a key per account, each of those wrapped by a master key kept outside the database.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce before the ciphertext. The identity of the row is bound as
associated data, so that a ciphertext moved to another row, column or account does not open.
"""

import base64
import hmac
import os
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chat.kernel.errors import StartRefused

KEY_BYTES = 32
_NONCE_BYTES = 12


class CannotOpen(Exception):
    """The ciphertext was altered, belongs elsewhere, or its key is gone."""


def encrypt(key: bytes, plaintext: bytes, bound_to: bytes) -> bytes:
    """Return nonce and ciphertext of `plaintext` under the 32-byte `key`; only the same `bound_to` opens it again."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, bound_to)


def decrypt(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """Return the plaintext of what `encrypt` made. Raises CannotOpen."""
    return Opener(key).open(sealed, bound_to)


class Opener:
    """`decrypt` for many ciphertexts under one key: setting the cipher up costs more than a short text does."""

    def __init__(self, key: bytes) -> None:
        self._open = AESGCM(key).decrypt

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Return the plaintext of what `encrypt` made. Raises CannotOpen."""
        try:
            return self._open(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError):
            raise CannotOpen from None


def new_key() -> bytes:
    """Return a new random 256-bit key."""
    return secrets.token_bytes(KEY_BYTES)


def derive(secret: str, purpose: str) -> bytes:
    """Return the 256-bit key for one purpose from the site's secret (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"candor/{purpose}".encode()).derive(secret.encode())


def keyed_hash(key: bytes, value: str) -> str:
    """Return a short HMAC-SHA256 of `value`, for counting by something that must not be written down."""
    return hmac.digest(key, value.encode(), "sha256").hex()[:24]


@dataclass(frozen=True, slots=True, repr=False)
class MasterKeys:
    """The keys that wrap account keys, newest first: the first wraps, all of them unwrap."""

    keys: tuple[tuple[str, bytes], ...]

    @property
    def current_id(self) -> str:
        return self.keys[0][0]

    def wrap(self, key: bytes, bound_to: str) -> tuple[str, bytes]:
        """Return the current master key's id and `key` wrapped by it."""
        master_id, master = self.keys[0]
        return master_id, encrypt(master, key, bound_to.encode())

    def unwrap(self, master_id: str, wrapped: bytes, bound_to: str) -> bytes:
        """Return the key that `wrap` wrapped. Raises CannotOpen when its master key is not among ours."""
        for known_id, master in self.keys:
            if hmac.compare_digest(known_id, master_id):
                return decrypt(master, wrapped, bound_to.encode())
        raise CannotOpen

    def dump(self) -> str:
        """Return the text that `parse_master_keys` reads."""
        return ",".join(f"{key_id}:{base64.urlsafe_b64encode(key).decode()}" for key_id, key in self.keys)


def parse_master_keys(text: str) -> MasterKeys:
    """Return the master keys of `id:base64,id:base64`, newest first. Raises StartRefused."""
    try:
        pairs = tuple(
            (key_id, base64.urlsafe_b64decode(encoded))
            for key_id, _, encoded in (one.strip().partition(":") for one in text.replace("\n", ",").split(",") if one.strip())
        )
    except ValueError:
        pairs = ()
    if not pairs or any(not key_id or len(key) != KEY_BYTES or len(set(key)) < 8 for key_id, key in pairs):
        raise StartRefused(
            "CHAT_MASTER_KEY: must be one or more id:key pairs, newest first and separated by commas, each key 32 random bytes "
            'in URL-safe base64 (`python -c "import secrets,base64; '
            "print('k1:'+base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())\"`), "
            "or be left out: then one is made in the instance folder"
        )
    return MasterKeys(pairs)


def new_master_keys(older: MasterKeys | None = None) -> MasterKeys:
    """Return master keys with a new one in front of the `older` ones."""
    return MasterKeys(((secrets.token_hex(4), new_key()), *(older.keys if older else ())))
