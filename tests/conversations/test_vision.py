"""Pictures in the chat with the model that runs on this machine: the real server, with a projector that knows colours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.providers.weights import EmbeddedModel
from tests.images import WEBP, png_of
from tests.profiles import write_profile
from tests.servers import Server, running
from tests.sweep.visitor import Upload, Visitor

pytestmark = [pytest.mark.server, pytest.mark.engine]

MODEL = "smollm2-135m"
QUESTION = "What is the color of this picture?"


@pytest.fixture(scope="module")
def server(weights: EmbeddedModel, projector: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    profile = write_profile(tmp_path_factory.mktemp("profile") / "site.toml", {})
    settings = {"CHAT_EMBEDDED_MODEL": str(weights.path), "CHAT_EMBEDDED_PROJECTOR": str(projector)}
    with running("gunicorn", settings | {"CHAT_PROFILE": str(profile)}) as started:
        yield started


@pytest.fixture
def visitor(server: Server) -> Iterator[Visitor]:
    visitor = Visitor(server.url)
    yield visitor
    visitor.close()


@pytest.mark.parametrize(("colour", "pixel"), [("red", (255, 0, 0)), ("blue", (0, 0, 255))])
def test_a_picture_is_answered(visitor: Visitor, colour: str, pixel: tuple[int, int, int]) -> None:
    page = visitor.open()
    assert any("image/png" in (one.get("accept") or "") for one in page.all("input"))

    events = visitor.stream(QUESTION, MODEL, files=_picture(png_of(*pixel)), temperature="0")

    assert events[-1][0] == "done"
    assert colour in "".join(data["text"] for name, data in events if name == "text")


def test_a_picture_is_answered_without_scripts(visitor: Visitor) -> None:
    visitor.open()

    page = visitor.send(QUESTION, MODEL, files=_picture(png_of(0, 255, 0)), temperature="0")

    answers = [one.text for one in page.all("article") if one.get("data-state") == "done"]
    assert "green" in answers[-1]


def test_a_picture_that_llama_cannot_read_comes_back_with_what_to_do(visitor: Visitor) -> None:
    visitor.open()

    page = visitor.send("What is it?", MODEL, files=_picture(WEBP))

    assert "cannot read WebP. Save the picture as PNG or JPEG" in page.text


def _picture(data: bytes) -> tuple[Upload, ...]:
    return (Upload("picture", data, "image/png"),)
