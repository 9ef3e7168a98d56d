"""A rule that is broken turns the right promise red: its check, on a copy of the source with one thing changed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.kernel.profile import load_profile
from chat.kernel.settings import ROOT
from chat.policy.promises.every import PROMISES
from chat.policy.scratch.forks import Forks
from chat.policy.scratch.instance import running_scratch
from chat.policy.verify import check
from tests.conftest import settings_for_tests
from tests.policy.mutations import MUTATIONS, Mutation
from tests.policy.verifying import environment

pytestmark = pytest.mark.server
_STUMBLED = ("The check stumbled", "No scratch instance")


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder whose database is made already, to be copied."""
    folder = tmp_path_factory.mktemp("instance")
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "app.py"), "models", "list"]
    subprocess.run(command, cwd=folder, env=environment(folder, ROOT), check=True, capture_output=True)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    """The product's source in a folder of its own, with what Python compiled of it: what is changed is compiled anew."""
    folder = tmp_path / "source"
    folder.mkdir()
    for part in ("chat", "templates", "static"):
        shutil.copytree(ROOT / part, folder / part, copy_function=_linked)
    shutil.copy(ROOT / "app.py", folder)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name.replace(" ", "-"))
def test_a_broken_rule_turns_its_promise_red(
    mutation: Mutation, source: Path, instance: Path, forks: Forks, migrated_sqlite: Path, tmp_path: Path
) -> None:
    for file, before, after in mutation.edits:
        path = source / file
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{file} holds {text.count(before)} times what is to be changed: {before!r}"
        path.unlink()  # it may be one file with the product's own
        path.write_text(text.replace(before, after), encoding="utf-8")

    state, evidence = _check_here(source, tmp_path, mutation, forks, migrated_sqlite)
    if state != "failing" or evidence.startswith(_STUMBLED):
        state, evidence = _verify(source, shutil.copytree(instance, tmp_path / "instance"), mutation)

    assert state == "failing", evidence
    assert not evidence.startswith(_STUMBLED)


def test_without_a_change_they_are_kept(source: Path, forks: Forks, migrated_sqlite: Path, tmp_path: Path) -> None:
    """What turns red above turns red for the change, and not for the way in which instances are started here."""
    unchanged = [one for one in MUTATIONS if one.profile == "default"][::9]

    for number, mutation in enumerate(unchanged):
        (tmp_path / str(number)).mkdir()
        state, evidence = _check_here(source, tmp_path / str(number), mutation, forks, migrated_sqlite)
        assert state == "kept", f"{mutation.promise}: {evidence}"
    assert len(unchanged) > 3


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # the temp folder is on another disk
        shutil.copy2(source, target)


def _check_here(source: Path, folder: Path, mutation: Mutation, forks: Forks, beginning: Path) -> tuple[str, str]:
    """Check the promise from this process, which has its imports behind it, on an application that runs what was changed.

    What is changed in the checking itself, or what only the site's own command sees, does not show here.
    """
    promise = next(one for one in PROMISES if one.id == mutation.promise)
    settings, profile = settings_for_tests(folder), load_profile(mutation.profile)
    with running_scratch(
        settings, profile, mail=promise.mail, source=source, start=forks.start, beginning=beginning
    ) as scratch:
        result = check(promise, scratch)
    return result.state, result.evidence


def _verify(source: Path, instance: Path, mutation: Mutation) -> tuple[str, str]:
    command = [sys.executable, "-m", "flask", "--app", str(source / "app.py"), "privacy", "verify", "--json"]
    run = subprocess.run(
        [*command, "--only", mutation.promise, "--profile", mutation.profile],
        cwd=instance,
        env=environment(instance, source),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.stdout, run.stderr[-3000:]
    (found,) = json.loads(run.stdout)["promises"]
    return found["state"], found["evidence"]
