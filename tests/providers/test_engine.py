"""The real engine, with the real weights: shared, started again, and gone when nobody needs it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chat.kernel.settings import ROOT
from chat.providers.base import Cancel, Finished, Image, Message, ProviderProblem, Request, Role, Text
from chat.providers.embedded import EmbeddedProvider
from chat.providers.transport import Transport
from chat.providers.weights import EmbeddedModel
from tests.images import png_of
from tests.projector import write_projector
from tests.providers.asking import said

pytestmark = pytest.mark.engine

_ASKED = Request("smollm2", (Message(Role.USER, (Text("Say hello."),)),), max_tokens=8)
_SHOWN = Request(
    "smollm2",
    (Message(Role.USER, (Text("What is the color of this picture?"), Image("image/png", png_of(255, 0, 0)))),),
    max_tokens=12,
    temperature=0,
)
_WORKER = """
import sys
from pathlib import Path
from tests.providers.test_engine import _ASKED, provider_of
from chat.providers.base import Cancel
from chat.providers.weights import EmbeddedModel
provider = provider_of(Path(sys.argv[1]), EmbeddedModel("m", Path(sys.argv[2]), is_default=True))
list(provider.stream(_ASKED, Cancel()))
print(provider.engine.find().pid, flush=True)
sys.stdin.read()
"""


def provider_of(instance: Path, model: EmbeddedModel) -> EmbeddedProvider:
    return EmbeddedProvider(instance, model, context=2048, transport=Transport())


def test_the_engine_answers_and_is_started_again_when_it_dies(here: EmbeddedProvider) -> None:
    events = list(here.stream(_ASKED, Cancel()))
    first = here.engine.find()
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)

    again = list(here.stream(_ASKED, Cancel()))

    assert said(events)
    assert said(again)
    assert isinstance(again[-1], Finished)
    second = here.engine.find()
    assert second is not None
    assert second.pid != first.pid


def test_only_the_owner_can_read_where_it_listens_and_nobody_sees_its_key(here: EmbeddedProvider, tmp_path: Path) -> None:
    list(here.stream(_ASKED, Cancel()))

    state = here.engine.find()
    assert state is not None
    assert (tmp_path / "engine" / "state.json").stat().st_mode & 0o777 == 0o600
    assert state.key not in repr(state)
    assert state.key.encode() not in Path(f"/proc/{state.pid}/cmdline").read_bytes()
    assert state.key.encode() not in Path(f"/proc/{state.pid}/environ").read_bytes()
    assert {Path(f"/proc/{state.pid}/fd/{number}").readlink() for number in (0, 1, 2)} == {Path(os.devnull)}


def test_two_processes_share_one_engine_which_ends_when_both_are_killed(tmp_path: Path, weights: EmbeddedModel) -> None:
    workers = [_start_worker(tmp_path, weights) for _ in range(2)]
    engines = {int(worker.stdout.readline()) for worker in workers if worker.stdout}
    assert len(engines) == 1
    (engine,) = engines

    _kill(workers[0])
    time.sleep(1.5)
    lives_with_one = _is_alive(engine)
    _kill(workers[1])

    assert lives_with_one
    assert _within(3, lambda: not _is_alive(engine))


def test_an_engine_with_another_model_is_replaced(here: EmbeddedProvider, tmp_path: Path, weights: EmbeddedModel) -> None:
    list(here.stream(_ASKED, Cancel()))
    (tmp_path / "other.gguf").symlink_to(weights.path)
    other = provider_of(tmp_path, EmbeddedModel("other", tmp_path / "other.gguf", is_default=False))

    list(other.stream(_ASKED, Cancel()))

    state = other.engine.find()
    other.engine.leave()
    assert state is not None
    assert state.model.endswith("other.gguf")


def test_an_engine_with_another_projector_is_replaced(here: EmbeddedProvider, tmp_path: Path, weights: EmbeddedModel) -> None:
    list(here.stream(_ASKED, Cancel()))
    blind = here.engine.find()
    seeing = provider_of(tmp_path, replace(weights, projector=write_projector(tmp_path / "mmproj.gguf", weights.path)))

    events = list(seeing.stream(_SHOWN, Cancel()))

    state = seeing.engine.find()
    seeing.engine.leave()
    assert "red" in said(events)
    assert blind is not None
    assert state is not None
    assert (blind.sees_images, state.sees_images) == (False, True)


def test_an_engine_runs_without_a_projector_that_does_not_fit(
    tmp_path: Path, weights: EmbeddedModel, caplog: pytest.LogCaptureFixture
) -> None:
    projector = write_projector(tmp_path / "mmproj.gguf", weights.path, width=512)
    provider = provider_of(tmp_path, replace(weights, projector=projector))

    assert said(list(provider.stream(_ASKED, Cancel())))
    first = provider.engine.find()
    with pytest.raises(ProviderProblem, match="does not fit") as caught:
        list(provider.stream(_SHOWN, Cancel()))

    assert provider.engine.find() == first
    provider.engine.leave()
    assert caught.value.code == "projector_missing"
    (told,) = [one.message for one in caplog.records if one.name == "chat.providers"]
    assert told.startswith("CHAT_EMBEDDED_PROJECTOR: the engine does not start with this file")


def test_a_missing_model_says_what_to_run(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, EmbeddedModel("m", tmp_path / "none.gguf", is_default=True))

    with pytest.raises(ProviderProblem, match="flask models fetch"):
        list(provider.stream(_ASKED, Cancel()))


def test_a_file_that_is_no_model_is_a_problem_and_not_a_wait(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    provider = provider_of(tmp_path, EmbeddedModel("m", broken, is_default=False))

    with pytest.raises(ProviderProblem) as caught:
        list(provider.stream(_ASKED, Cancel()))
    provider.engine.leave()

    assert caught.value.code == "provider_failed"


@pytest.fixture
def here(tmp_path: Path, weights: EmbeddedModel) -> Iterator[EmbeddedProvider]:
    provider = provider_of(tmp_path, weights)
    yield provider
    provider.engine.leave()
    assert _within(3, lambda: provider.engine.find() is None)


def _start_worker(instance: Path, weights: EmbeddedModel) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _WORKER, str(instance), str(weights.path)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _kill(worker: "subprocess.Popen[str]") -> None:
    worker.kill()
    worker.communicate()


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    by = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > by:
            return False
        time.sleep(0.05)
    return True
