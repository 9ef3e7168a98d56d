"""`flask privacy verify` is green for every profile, on SQLite and on PostgreSQL, and says so in the ways it promises."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from chat.kernel.profile import PROFILES, load_profile
from chat.kernel.settings import ROOT
from chat.kernel.site import current_site
from chat.policy.promises.every import PROMISES
from chat.policy.scratch.forks import forking, starting
from chat.policy.scratch.instance import running_scratch
from chat.policy.verify import verify
from tests.conftest import MakeApp
from tests.databases import Postgres
from tests.policy.test_promises import IDS
from tests.policy.verifying import environment

pytestmark = pytest.mark.server

SHIPPED = sorted(path.stem for path in PROFILES.glob("*.toml"))


@pytest.mark.parametrize("profile", SHIPPED)
def test_every_promise_of_every_profile_is_kept(profile: str, tmp_path: Path) -> None:
    _require_green_command(_verify(tmp_path, "--json", CHAT_PROFILE=profile), profile)


def test_every_promise_is_kept_on_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.create()

    _require_green_command(_verify(tmp_path, "--json", DATABASE_URL=url), "default")

    postgres.drop(url)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("profile", [one for one in SHIPPED if one != "default"])
def test_every_promise_of_the_other_profiles_is_kept_on_postgresql(profile: str, make_app: MakeApp) -> None:
    """What the command does, without starting Python for it."""
    make_app(chat_profile=profile)
    site = current_site()
    assert site.profile == load_profile(profile)

    with starting() as start:
        found = verify(site.settings, site.profile, PROMISES, lambda *_: None, scratch=partial(running_scratch, start=start))

    _require_green([{"id": one.id, "state": one.state, "evidence": one.evidence} for one in found])


def test_instances_that_cannot_be_forked_say_so(tmp_path: Path) -> None:
    with forking(("json",)) as forks, (tmp_path / "log").open("wb") as log:
        (process,) = (one for one in psutil.Process().children() if one.cmdline()[-1] == "json")
        process.kill()
        process.wait(10)

        with pytest.raises(RuntimeError, match="has ended"):
            forks.start("1", tmp_path, {}, log)


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


def _require_green_command(run: "subprocess.CompletedProcess[str]", profile: str) -> None:
    assert run.stdout, run.stderr[-3000:]
    report = json.loads(run.stdout)
    _require_green(report["promises"])
    assert run.returncode == 0
    assert report["profile"] == profile


def _require_green(promises: list[dict[str, Any]]) -> None:
    failing = {one["id"]: one["evidence"] for one in promises if one["state"] == "failing"}
    assert not failing
    assert sorted(one["id"] for one in promises) == sorted(IDS)
    assert all(one["evidence"] for one in promises)
    assert sum(one["state"] == "kept" for one in promises) > 20
