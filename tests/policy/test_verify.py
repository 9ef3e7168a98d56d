"""`flask privacy verify` is green for every profile, on SQLite and on PostgreSQL, and says so in the ways it promises."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chat.kernel.profile import PROFILES
from chat.kernel.settings import ROOT
from tests.databases import Postgres
from tests.policy.test_promises import IDS
from tests.policy.verifying import environment

pytestmark = pytest.mark.server

SHIPPED = sorted(path.stem for path in PROFILES.glob("*.toml"))


@pytest.mark.parametrize("profile", SHIPPED)
def test_every_promise_of_every_profile_is_kept(profile: str, tmp_path: Path) -> None:
    run = _verify(tmp_path, "--json", CHAT_PROFILE=profile)

    _require_green(run, profile)


@pytest.mark.parametrize("profile", ["default", "lumio"])
def test_every_promise_is_kept_on_postgresql(profile: str, tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.create()

    run = _verify(tmp_path, "--json", CHAT_PROFILE=profile, DATABASE_URL=url)

    _require_green(run, profile)
    postgres.drop(url)


def test_people_get_progress_and_a_table(tmp_path: Path) -> None:
    run = _verify(tmp_path, "--only", "collect-warn", "--only", "cap-pay")

    assert "[1/2]" in run.stderr
    assert "[2/2]" in run.stderr
    assert "collect-warn  kept" in run.stdout
    assert "1 kept, 0 failing, 1 not offered" in run.stdout


def test_an_unknown_promise_is_named(tmp_path: Path) -> None:
    run = _verify(tmp_path, "--only", "free-beer")

    assert run.returncode == 2
    assert "free-beer" in run.stderr


def _verify(folder: Path, *options: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "app.py"), "privacy", "verify", *options]
    return subprocess.run(
        command, cwd=folder, env=environment(folder, ROOT, **settings), capture_output=True, text=True, timeout=600, check=False
    )


def _require_green(run: "subprocess.CompletedProcess[str]", profile: str) -> None:
    assert run.stdout, run.stderr[-3000:]
    report = json.loads(run.stdout)
    failing = {one["id"]: one["evidence"] for one in report["promises"] if one["state"] == "failing"}
    assert not failing
    assert run.returncode == 0
    assert report["profile"] == profile
    assert sorted(one["id"] for one in report["promises"]) == sorted(IDS)
    assert all(one["evidence"] for one in report["promises"])
    assert sum(one["state"] == "kept" for one in report["promises"]) > 20
