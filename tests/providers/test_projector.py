"""The projector that an operator names: what is wrong with it is said when the site starts, and the site goes on."""

from pathlib import Path

import pytest

from chat.kernel.profile import load_profile
from chat.kernel.settings import load_settings
from chat.providers.catalogue import Catalogue
from chat.providers.projector import tell_projector, why_blind
from chat.providers.weights import EmbeddedModel
from tests.projector import write_projector

pytestmark = pytest.mark.engine  # the projector is made of the model's own numbers


def test_a_projector_lets_the_model_see(weights: EmbeddedModel, tmp_path: Path) -> None:
    projector = write_projector(tmp_path / "mmproj.gguf", weights.path)

    assert why_blind(projector) == ""
    assert _sees(weights, projector)
    assert not _sees(weights, None)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("none", "no such file"),
        ("folder", "cannot be read"),
        ("empty", "no projector"),
        ("model", "no projector"),
        ("text", "no projector"),
    ],
)
def test_what_is_none_is_told_and_the_model_stays(weights: EmbeddedModel, tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "model").symlink_to(weights.path)
    (tmp_path / "text").write_bytes(b"a copy of " + write_projector(tmp_path / "mmproj.gguf", weights.path).read_bytes())
    said: list[str] = []

    tell_projector(tmp_path / name, said.append)

    (sentence,) = said
    assert f"CHAT_EMBEDDED_PROJECTOR names {tmp_path / name}" in sentence
    assert why in sentence
    assert not _sees(weights, tmp_path / name)


def test_nothing_is_said_where_none_is_named(weights: EmbeddedModel, tmp_path: Path) -> None:
    said: list[str] = []

    tell_projector(None, said.append)
    tell_projector(write_projector(tmp_path / "mmproj.gguf", weights.path), said.append)

    assert said == []


def _sees(weights: EmbeddedModel, projector: Path | None) -> bool:
    settings = load_settings(_env_file=None, chat_embedded_model=str(weights.path), chat_embedded_projector=projector)
    model = Catalogue(load_profile("default"), settings, {}).find_default()
    assert model is not None
    return model.sees_images
