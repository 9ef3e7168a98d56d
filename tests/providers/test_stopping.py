import ipaddress
import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from chat.providers.base import Cancel, Event, Finished, FinishReason, Provider
from chat.providers.transport import Deadlines
from tests.fakes import FakeProvider
from tests.providers.asking import SECRET, ask, asking
from tests.providers.conftest import Connect

_SOON = 1.0


@pytest.mark.parametrize(
    "script", ["endless", "stall", "first-byte-never", "headers-only", "unframed-endless", "unframed-stall"]
)
def test_stopping_from_another_thread_ends_the_upstream_call(connect: Connect, fake: FakeProvider, script: str) -> None:
    patient = connect(fake.url, deadlines=Deadlines())

    events, stopped_at, returned_at = _stop_once_asked(patient, fake, script)

    call = fake.last()
    assert call.left.wait(_SOON)
    assert call.left_at is not None
    assert call.left_at - stopped_at < _SOON
    assert returned_at - stopped_at < _SOON
    assert events[-1] == Finished(FinishReason.STOPPED)


def test_stopping_works_through_tls(tmp_path: Path, connect: Connect) -> None:
    certificate, key = _certificate(tmp_path)
    with FakeProvider(tls=(certificate, key)) as fake:
        provider = connect(fake.url, authorities=str(certificate))

        _, stopped_at, returned_at = _stop_once_asked(provider, fake, "endless")

        call = fake.last()
        assert call.left.wait(_SOON)
        assert returned_at - stopped_at < _SOON


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, connect: Connect) -> None:
    with FakeProvider(tls=_certificate(tmp_path)) as fake:
        with pytest.raises(Exception, match="cannot be reached"):
            ask(connect(fake.url), "ok")

        assert fake.calls == []


def test_closing_the_iterator_ends_the_upstream_call(provider: Provider, fake: FakeProvider) -> None:
    events = provider.stream(asking("endless"), Cancel())
    next(events)

    events.close()  # type: ignore[attr-defined]

    assert fake.last().left.wait(_SOON)


def test_a_reader_who_left_before_the_start_asks_nobody(provider: Provider, fake: FakeProvider) -> None:
    cancel = Cancel()
    cancel.set()

    assert list(provider.stream(asking("ok"), cancel)) == [Finished(FinishReason.STOPPED)]
    assert fake.calls == []


def test_stopping_during_the_pause_before_a_retry_ends_it(provider: Provider, fake: FakeProvider) -> None:
    cancel = Cancel()
    threading.Timer(0.1, cancel.set).start()

    events = list(provider.stream(asking("rate-limited"), cancel))

    assert events == [Finished(FinishReason.STOPPED)]
    assert len(fake.calls) == 1


def test_stopping_late_does_not_touch_the_next_call_of_the_connection(provider: Provider, fake: FakeProvider) -> None:
    first = Cancel()
    read_to_the_end = provider.stream(asking("no-done"), first)
    while not isinstance(next(read_to_the_end), Finished):
        pass
    patient = provider.stream(asking("slow"), Cancel())
    next(patient)

    first.set()

    assert list(patient)[-1] == Finished(FinishReason.STOP)
    assert {call.connection for call in fake.calls} == {1}


def test_nothing_is_logged_at_any_level(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ask(provider, "ok")

    assert [record for record in caplog.records if record.name != "asyncio"] == []
    assert SECRET not in caplog.text


def _stop_once_asked(provider: Provider, fake: FakeProvider, script: str) -> tuple[list[Event], float, float]:
    """Let another thread stop a moment after the provider was asked; return the events, and when it stopped and they ended."""
    cancel = Cancel()
    stopped: list[float] = []

    def stop() -> None:
        while not fake.calls:
            time.sleep(0.01)
        time.sleep(0.1)
        stopped.append(time.monotonic())
        cancel.set()

    threading.Thread(target=stop).start()
    events = list(provider.stream(asking(script), cancel))
    return events, stopped[0], time.monotonic()


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for loopback that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(hours=1), now + timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths
