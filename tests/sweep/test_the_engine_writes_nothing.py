"""The embedded model's process sees every prompt; neither it nor the server around it writes one down."""

from pathlib import Path

import pytest

from chat.policy.sweep import Canary, sweep, watching
from chat.providers.weights import EmbeddedModel
from tests.profiles import write_profile
from tests.servers import running
from tests.sweep.conftest import GENEROUS
from tests.sweep.visitor import Visitor

pytestmark = [pytest.mark.server, pytest.mark.engine]

MODEL = "smollm2-135m"


def test_no_byte_of_a_conversation_with_the_embedded_model_is_written(weights: EmbeddedModel, tmp_path: Path) -> None:
    profile = write_profile(tmp_path / "profile.toml", GENEROUS)
    settings = {"CHAT_EMBEDDED_MODEL": str(weights.path), "CHAT_PROFILE": str(profile), "CHAT_LOG_LEVEL": "DEBUG"}
    canary = Canary()

    with running("flask", settings) as server:
        visitor = Visitor(server.url)
        visitor.open()
        with watching(server, canary, server.temp, server.instance / "engine") as hits:
            events = visitor.stream(f"Repeat this word: {canary}", MODEL)
            visitor.stream(f"Write a long story about {canary}", MODEL, stop_after=5)
            visitor.send(f"{canary} " * 3000, MODEL)
        visitor.close()

        assert events[-1][0] == "done"
        assert (server.instance / "engine" / "state.json").exists()
        assert not [str(one) for one in [*hits, *sweep(canary, server.folder)]]
