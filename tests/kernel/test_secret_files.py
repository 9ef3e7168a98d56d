"""Secrets in files: the owner's alone, whole or not there, and one for all processes that start together."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chat.kernel.secret_files import read_or_create, replace
from chat.kernel.site import Site

RACE = """
import sys, time
from pathlib import Path
from chat.kernel.secret_files import read_or_create
folder, me = Path(sys.argv[1]), sys.argv[2]
while not (folder / "go").exists():
    time.sleep(0.001)
print(read_or_create(folder / "secret.key", lambda: me * 40))
"""


def test_a_secret_is_its_owners_alone(tmp_path: Path) -> None:
    read_or_create(tmp_path / "one.key", lambda: "value")

    assert stat.S_IMODE((tmp_path / "one.key").stat().st_mode) == 0o600


def test_a_loosened_secret_is_tightened_when_it_is_read(tmp_path: Path) -> None:
    read_or_create(tmp_path / "one.key", lambda: "value")
    (tmp_path / "one.key").chmod(0o644)

    read_or_create(tmp_path / "one.key", lambda: "other")

    assert stat.S_IMODE((tmp_path / "one.key").stat().st_mode) == 0o600


def test_a_generous_umask_changes_nothing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        read_or_create(tmp_path / "one.key", lambda: "value")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "one.key").stat().st_mode) == 0o600


def test_processes_that_start_together_get_one_secret(tmp_path: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", RACE, str(tmp_path), letter], stdout=subprocess.PIPE, text=True)
        for letter in "abcdef"
    ]
    (tmp_path / "go").touch()

    got = {process.communicate(timeout=30)[0].strip() for process in started}

    assert len(got) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["go", "secret.key"]


def test_replacing_leaves_the_new_secret_and_nothing_beside_it(tmp_path: Path) -> None:
    read_or_create(tmp_path / "one.key", lambda: "old")

    replace(tmp_path / "one.key", "new")

    assert read_or_create(tmp_path / "one.key", lambda: "other") == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["one.key"]
    assert stat.S_IMODE((tmp_path / "one.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_site_makes_its_secrets_and_closes_its_folder(site: Site) -> None:
    folder = site.settings.chat_instance

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.key")}

    assert modes == {"secret.key": 0o600, "master.key": 0o600, "signing.key": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
