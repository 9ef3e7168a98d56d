"""A rule that is broken turns the right promise red: `flask privacy verify` on a copy of the source with one thing changed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.kernel.settings import ROOT
from tests.policy.mutations import MUTATIONS, Mutation
from tests.policy.verifying import environment

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder whose database is made already, to be copied."""
    folder = tmp_path_factory.mktemp("instance")
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "app.py"), "models", "list"]
    subprocess.run(command, cwd=folder, env=environment(folder, ROOT), check=True, capture_output=True)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    """A copy of the product's source, with what Python compiled of it: what is changed is compiled anew."""
    folder = tmp_path / "source"
    folder.mkdir()
    for part in ("chat", "templates", "static"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "app.py", folder)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name.replace(" ", "-"))
def test_a_broken_rule_turns_its_promise_red(mutation: Mutation, source: Path, instance: Path, tmp_path: Path) -> None:
    for file, before, after in mutation.edits:
        path = source / file
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{file} holds {text.count(before)} times what is to be changed: {before!r}"
        path.write_text(text.replace(before, after), encoding="utf-8")

    found = _verify(source, shutil.copytree(instance, tmp_path / "instance"), mutation)

    assert found["state"] == "failing", found
    assert not found["evidence"].startswith(("The check stumbled", "No scratch instance")), found


def _verify(source: Path, instance: Path, mutation: Mutation) -> dict[str, Any]:
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
    return dict(found)
