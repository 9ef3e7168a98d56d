"""What a profile does not state the site does not do, and a contradiction stops the start."""

from pathlib import Path
from typing import Any

import pytest

from chat.kernel.errors import StartRefused
from chat.kernel.profile import PROFILES, load_profile
from tests.profiles import write_profile

MODEL = {"id": "m", "name": "M", "upstream": "m"}
ALL_KINDS = ["essential", "preference", "analytics"]
PROVIDER = {"id": "p", "name": "P", "kind": "openai", "models": [MODEL]}


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_profile_we_ship_is_valid(path: Path) -> None:
    assert load_profile(path.stem).site.name


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"site.colour": "red"}, "site.colour: is not a known key; remove it or correct its spelling"),
        ({"site.name": None}, "site.name: is missing; write it"),
        ({"retention.history": 4000}, "history (4000) must not be above history_longest"),
        ({"retention.request_logs": -1}, "retention.request_logs: Input should be greater than or equal to 0"),
        ({"cookies.analytics": True}, 'analytics = true needs "analytics" among kinds'),
        ({"cookies.kinds": []}, 'kinds must contain "essential"'),
        ({"consents.offered": []}, 'features.history = true needs "history" in consents.offered'),
        ({"consents.offered": ["history", "analytics"]}, 'cookies.kinds lacks "analytics"'),
        ({"consents.offered": ["history", "preference_cookies"]}, 'cookies.kinds lacks "preference"'),
        ({"consents.offered": ["history", "diagnostics"], "retention.diagnostics": 0}, "but retention.diagnostics = 0: remove"),
        ({"features.history": False}, 'consents.offered names "history", but features.history = false: remove the one'),
        ({"features.history": False, "consents.offered": ["improvement"]}, 'names "improvement", but features.history = false'),
        ({"cookies.kinds": ALL_KINDS, "cookies.analytics": True}, 'needs "analytics" in consents.offered'),
        ({"cookies.kinds": ALL_KINDS, "consents.offered": ["history", "analytics"]}, "or cookies.analytics = false"),
        ({"retention.request_logs": 31}, "retention.request_logs: (31) is longer than promised (keep-logs): write 30 or less"),
        ({"retention.deleted_accounts": 31}, "retention.deleted_accounts: (31) is longer than promised (keep-deleted)"),
        ({"law.minimum_age": 12}, "law.minimum_age: (12) is below what every site promises (age-minimum): write 13 or more"),
        ({"notices.material_change_days": 13}, "notices.material_change_days: (13) is shorter than promised (change-notice)"),
        (
            {"collect.profile_fields": ["shoe_size"]},
            "collect.profile_fields.0: Input should be 'company', 'job_title' or 'website'",
        ),
        ({"limits.guest_messages": "many"}, "limits.guest_messages: String should match pattern"),
        ({"limits.upload_megabytes": 400}, "limits.upload_megabytes: Input should be less than or equal to 25"),
        ({"law.minimum_age": 40}, "law.minimum_age"),
        ({"collect.address": "everything"}, "collect.address: Input should be 'full', 'truncated' or 'none'"),
        ({"sign_in.methods": ["password", "telepathy"]}, "sign_in.methods.1"),
        ({"providers": [PROVIDER | {"base_url": "http://api.example.com"}]}, "providers.0.base_url: must start with https://"),
        ({"providers": [PROVIDER, PROVIDER | {"id": "q"}]}, "the model ids m are used twice"),
        ({"providers": [PROVIDER | {"policy": {"region": "EU"}}]}, "providers.0.policy.retention_days: is missing"),
        ({"providers": [PROVIDER | {"models": [MODEL | {"id": "Not An Id"}]}]}, "providers.0.models.0.id"),
    ],
)
def test_a_fault_names_its_key(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    path = write_profile(tmp_path / "site.toml", changes)

    with pytest.raises(StartRefused) as refused:
        load_profile(str(path))

    assert sentence in str(refused.value)
    assert str(refused.value).startswith(f"CHAT_PROFILE: {path} cannot be used:")


def test_an_unknown_profile_lists_the_known_ones() -> None:
    with pytest.raises(StartRefused, match=r"there is no profile 'nowhere'; write one of .*default"):
        load_profile("nowhere")


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("[site\n", encoding="utf-8")

    with pytest.raises(StartRefused, match="is not valid TOML"):
        load_profile(str(path))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.toml"
    path.write_bytes(b"\x89PNG\xff\xfe")

    with pytest.raises(StartRefused, match="is not valid TOML"):
        load_profile(str(path))


def test_a_folder_in_place_of_a_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="cannot be read: Is a directory"):
        load_profile(f"{tmp_path}/")
