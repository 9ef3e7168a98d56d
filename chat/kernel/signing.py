"""Documents that people take away: receipts, certificates, ledgers' heads. Signed with the site's Ed25519 key (RFC 8032).

A document is a JSON object with a `type`. What is signed is its canonical form without `proof`: keys sorted, no white space,
UTF-8, no fractions, which is RFC 8785 for what we write. Whoever has the public key can check it without this site.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chat.kernel.errors import StartRefused

Document = dict[str, Any]
_ALGORITHM = "Ed25519"


class NotAuthentic(Exception):
    """The document was changed, is unsigned, or is signed by a key that is not among the given ones. Says which."""


@dataclass(frozen=True, slots=True, repr=False)
class SigningKeys:
    """The site's keys, newest first: the first signs, all of them are published."""

    keys: tuple[Ed25519PrivateKey, ...]

    def sign(self, document: Document) -> Document:
        """Return `document` with a `proof` over everything else in it."""
        key = self.keys[0]
        proof = {"algorithm": _ALGORITHM, "key": key_id(key.public_key()), "signature": _text(key.sign(canonical(document)))}
        return {**document, "proof": proof}

    def public(self) -> dict[str, str]:
        """Return the public keys by their ids, each as base64url of its 32 bytes."""
        return {key_id(one.public_key()): _text(one.public_key().public_bytes_raw()) for one in self.keys}

    def dump(self) -> str:
        """Return the text that `parse_signing_keys` reads."""
        return ",".join(_text(one.private_bytes_raw()) for one in self.keys)


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed. Raises ValueError for a fraction: its digits differ between languages."""
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    if not isinstance(unsigned.get("type"), str):
        raise ValueError("a document that is signed says its type")  # noqa: TRY004  # one kind of fault for a document
    _refuse_fractions(unsigned)
    return json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def check(document: Mapping[str, Any], public_keys: Mapping[str, str]) -> str:
    """Return the id of the key that signed `document`. Raises NotAuthentic."""
    proof = document.get("proof")
    if not isinstance(proof, Mapping) or proof.get("algorithm") != _ALGORITHM:
        raise NotAuthentic("it carries no Ed25519 signature")
    encoded = public_keys.get(str(proof.get("key")))
    if encoded is None:
        raise NotAuthentic("it is signed by a key that is not among the given ones")
    try:
        key = Ed25519PublicKey.from_public_bytes(_bytes(encoded))
        if key_id(key) != proof["key"]:
            raise NotAuthentic("the given public key does not have the id it is listed under")
        key.verify(_bytes(str(proof.get("signature"))), canonical(document))
    except (InvalidSignature, ValueError):
        raise NotAuthentic("it was changed since it was signed") from None
    return str(proof["key"])


def key_id(key: Ed25519PublicKey) -> str:
    """Return the first 16 hexadecimal digits of the public key's SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def new_signing_keys(older: SigningKeys | None = None) -> SigningKeys:
    """Return signing keys with a new one in front of the `older` ones."""
    return SigningKeys((Ed25519PrivateKey.generate(), *(older.keys if older else ())))


def parse_signing_keys(text: str) -> SigningKeys:
    """Return the keys that `dump` wrote. Raises StartRefused."""
    try:
        keys = tuple(Ed25519PrivateKey.from_private_bytes(_bytes(one.strip())) for one in text.split(",") if one.strip())
    except ValueError:
        keys = ()
    if not keys:
        raise StartRefused(
            "CHAT_SIGNING_KEY: cannot be read; it is what signing.key in the instance folder holds. Restore it from a backup, "
            "or remove it: a new key is made, and what was signed before can be checked only with the old public key"
        )
    return SigningKeys(keys)


def _refuse_fractions(value: object) -> None:
    match value:
        case float():
            raise ValueError("a document that is signed holds no fractions")
        case Mapping():
            _refuse_fractions_in(value.values())
        case list() | tuple():
            _refuse_fractions_in(value)


def _refuse_fractions_in(values: Iterable[object]) -> None:
    for one in values:
        _refuse_fractions(one)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
