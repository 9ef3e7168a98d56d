"""docs/api.md: every example in it runs, as it stands, against a running site, and prints what the text below it says."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from chat.gateway.keys import Terms, make_key
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.settings import ROOT
from chat.kernel.site import Site
from tests.chatting import HERE
from tests.conftest import MakeApp, missing
from tests.model_server import ModelServer
from tests.people import People
from tests.servers import serving

TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
# A program, and what it prints where that is written below it.
EXAMPLES = [
    (kind, code, following[1] if following[0] == "text" else None)
    for (kind, code), following in zip(FENCES, [*FENCES[1:], ("", "")], strict=True)
    if kind in ("bash", "python")
]
OPENAI, ANTHROPIC = ("gpt-5.4-mini", "text-embedding-3-small"), ("claude-haiku-5-5",)


def test_there_are_examples_of_both_kinds_and_no_other_fences() -> None:
    assert len(EXAMPLES) > 12
    assert {kind for kind, _code in FENCES} == {"bash", "python", "console", "text"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_each_example_runs(served: str, key: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        missing("curl")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CANDOR_URL": served, "CANDOR_KEY": key}

    for kind, code, printed in EXAMPLES:
        command = ["bash", "-euo", "pipefail", "-c", code] if kind == "bash" else [sys.executable, "-c", code]
        run = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert run.returncode == 0, (code, run.stdout, run.stderr)
        assert run.stdout.strip(), code
        expects_refusal = "zero_retention" in code
        assert run.stdout.startswith('{"error"') is expects_refusal, (code, run.stdout)
        if printed is not None:
            assert run.stdout == printed, code


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture
def app(make_app: MakeApp, model_server: ModelServer) -> Flask:
    """A site with models of the names that the examples use, whose providers keep what they are sent for 30 days."""
    policy = {**HERE, "retention_days": 30}
    providers = [
        {
            "id": kind, "name": kind, "kind": kind, "base_url": model_server.url + path, "policy": policy,
            "models": [{"id": name, "name": name, "upstream": name} for name in names],
        }
        for kind, path, names in (("openai", "/v1", OPENAI), ("anthropic", "", ANTHROPIC))
    ]  # fmt: skip
    return make_app({"providers": providers, "features.api": True})


@pytest.fixture
def key(people: People, site: Site) -> str:
    made = make_key(people.alice, "docs", Terms(), site.api_secret, clock.now())
    db.session.commit()
    return made.key


@pytest.fixture
def served(app: Flask, key: str) -> Iterator[str]:
    with serving(app) as url:
        yield url
