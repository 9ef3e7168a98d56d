import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from chat.kernel.profile import PROFILES, Profile, load_profile
from chat.kernel.settings import Settings, load_settings
from chat.providers.catalogue import Catalogue, Model
from tests.fakes import FakeProvider
from tests.providers.asking import ask, said

_POLICY = {
    "region": "Norway",
    "retention_days": 3,
    "trains": False,
    "url": "https://example.org/terms",
    "checked": date(2026, 1, 2),
}


def test_only_what_runs_here_is_offered_without_keys(tmp_path: Path) -> None:
    catalogue = Catalogue(load_profile("default"), _settings(tmp_path), {})

    assert [model.id for model in catalogue.list_models()] == ["smollm2-135m"]
    assert catalogue.find_default() == catalogue.find_model("smollm2-135m")
    assert {one.why for one in catalogue.list_not_offered()} == {"OPENAI_API_KEY is not set", "ANTHROPIC_API_KEY is not set"}


def test_a_key_makes_its_models_offered_in_the_order_of_the_profile(tmp_path: Path) -> None:
    catalogue = Catalogue(load_profile("default"), _settings(tmp_path), {"OPENAI_API_KEY": "sesame"})

    assert [model.id for model in catalogue.list_models()] == ["smollm2-135m", "gpt-5.5", "gpt-5.4-mini"]
    model = catalogue.find_model("gpt-5.5")
    assert model is not None
    assert model.host == "api.openai.com"
    assert model.policy.sentence == "Runs in: United States, keeps it for 30 days, does not train on it."


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"policy": None}, "its data policy is not complete"),
        ({"policy": _POLICY | {"region": " "}}, "its data policy is not complete"),
        ({"policy": {key: value for key, value in _POLICY.items() if key != "url"}}, "its data policy is not complete"),
        ({"policy": _POLICY | {"url": "http://example.org/terms"}}, "its data policy is not complete"),
        ({"policy": _POLICY | {"region": "this machine"}}, "its address is elsewhere"),
        ({"base_url": None}, "it has no address"),
        ({"base_url_env": "FAR_URL"}, "must start with https://"),
        ({"key_env": "MISSING_KEY"}, "MISSING_KEY is not set"),
        ({"key_env": None}, "it has no key_env"),
    ],
)
def test_what_is_unknown_or_cannot_be_asked_is_not_offered(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    environment = {"FAR_KEY": "sesame", "FAR_URL": "http://far.example.org"}
    catalogue = Catalogue(_profile(**changes), _settings(tmp_path), environment)

    assert catalogue.list_models() == ()
    assert why in catalogue.list_not_offered()[0].why


def test_a_server_on_this_machine_needs_no_key_and_is_really_asked(tmp_path: Path) -> None:
    with FakeProvider() as fake:
        changes = {"base_url": f"{fake.url}/v1", "key_env": None, "policy": _POLICY | {"region": "this machine"}}
        catalogue = Catalogue(_profile(**changes), _settings(tmp_path), {})
        model = catalogue.list_models()[0]

        assert said(ask(catalogue.provider_for(model), model.upstream)) == "Hello, world."
        assert catalogue.provider_for(model) is catalogue.provider_for(model)


def test_an_embedded_model_can_be_switched_off(tmp_path: Path) -> None:
    catalogue = Catalogue(load_profile("default"), _settings(tmp_path, chat_embedded_model="off"), {})

    assert catalogue.list_models() == ()
    assert catalogue.embedded is None


def test_an_embedded_model_of_ones_own_has_its_files_name(tmp_path: Path) -> None:
    weights = tmp_path / "Own-7B.gguf"
    weights.write_bytes(b"GGUF")

    model = Catalogue(load_profile("default"), _settings(tmp_path, chat_embedded_model=str(weights)), {}).find_default()

    assert model is not None
    assert model.name == "Own-7B"


def test_an_embedded_model_that_does_not_exist_is_not_offered(tmp_path: Path) -> None:
    catalogue = Catalogue(load_profile("default"), _settings(tmp_path, chat_embedded_model="/nowhere/x.gguf"), {})

    assert catalogue.list_models() == ()


def test_the_default_model_says_that_nothing_leaves(tmp_path: Path) -> None:
    model: Model | None = Catalogue(load_profile("default"), _settings(tmp_path), {}).find_default()

    assert model is not None
    assert model.policy.sentence == "Runs on this machine, keeps nothing, does not train on it."


def test_the_catalogue_loads_neither_the_sdks_nor_the_engine() -> None:
    code = (
        "import sys, chat.providers.catalogue, chat.providers.echo\n"
        "print([name for name in ('openai', 'anthropic', 'httpx2', 'xllamacpp', 'flask') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def _settings(folder: Path, **values: Any) -> Settings:
    return load_settings(**({"_env_file": None, "chat_instance": folder, "chat_embedded_model": "smollm2"} | values))


def _profile(**changes: Any) -> Profile:
    """Return the default profile with one connected provider in place of its own."""
    far = {
        "id": "far",
        "name": "Far",
        "kind": "openai",
        "key_env": "FAR_KEY",
        "base_url": "https://far.example.org/v1",
        "policy": _POLICY,
        "models": [{"id": "far-1", "name": "Far 1", "upstream": "ok"}],
    }
    return Profile.model_validate(load_profile(str(PROFILES / "default.toml")).model_dump() | {"providers": [far | changes]})
