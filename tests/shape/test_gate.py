"""One gate to storage: nothing but chat/consent/gate.py makes what a content column takes."""

import ast

import pytest

from tests.shape.source import modules

GATE = "consent/gate.py"
# Who else encrypts, what, and why it is no way around the gate.
ENCRYPTS = {
    GATE: "content for a row, with a permit",
    "kernel/crypto.py": "account keys, wrapped by the master key",
    "accounts/outbox.py": "outgoing mail, which holds no conversation",
    "datarights/letters.py": "the address that a certificate of erasure is to be mailed to, until it is",
    "conversations/codec.py": "the conversation that the browser holds: it is sent to the page and never stored",
}
# How each is made or got: `Sealed(…)` by a call, the cipher by its name.
MAKES = {"Sealed": {GATE, "kernel/sealed.py"}, "Permit": {GATE}}


@pytest.mark.parametrize("name", MAKES)
def test_only_the_gate_makes(name: str) -> None:
    faults = [place for module in modules() if module.file not in MAKES[name] for place in module.calls(name)]

    assert not faults, faults


def test_only_the_gate_and_four_others_encrypt() -> None:
    faults = [
        module.file
        for module in modules()
        if module.file not in ENCRYPTS
        for node in ast.walk(module.tree)
        if _name(node) == "encrypt"
    ]

    assert not faults, faults


def test_only_the_kernel_knows_the_cipher() -> None:
    ciphers = {"AESGCM", "ChaCha20Poly1305", "Cipher", "Fernet"}

    knowing = {module.file for module in modules() for node in ast.walk(module.tree) if _name(node) in ciphers}

    assert knowing == {"kernel/crypto.py"}


def test_permits_are_neither_copied_nor_loosened() -> None:
    """`replace(permit, …)` or `object.__setattr__` would be a permit that the ledger never gave."""
    faults = [place for module in modules() for place in module.calls("__setattr__", "__new__")]

    assert not faults, faults


def test_who_reads_for_somebody_else_asks_the_consents_first() -> None:
    """`Reader(…)` is for a person's own pages; what leaves for improvement is read by `reader_for`, which asks."""
    faults = [place for module in modules() if module.package == "improvement" for place in module.calls("Reader")]

    assert faults == [place for place in faults if place.startswith("improvement/views.py")]
    assert [module.file for module in modules() if module.calls("reader_for")] == ["improvement/export.py"]


def _name(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            return name
    return None
