"""A picture for the embedded model is unpacked, shrunk and read in its process: none of it is written anywhere, nor logged."""

from pathlib import Path
from typing import Any

import pytest

from chat.policy.sweep import Canary, sweep, watching
from chat.providers.weights import EmbeddedModel
from tests.gateway.site import api_site
from tests.images import data_url, png_of, png_that_no_decoder_reads
from tests.sweep.visitor import Upload, Visitor

pytestmark = [pytest.mark.server, pytest.mark.engine]

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
MODEL = "smollm2-135m"


def test_no_byte_of_a_picture_is_written(weights: EmbeddedModel, projector: Path, tmp_path: Path) -> None:
    """The word is in the pixels, uncompressed once they are unpacked, and in the file as well."""
    canary = Canary()
    settings = {
        "CHAT_EMBEDDED_MODEL": str(weights.path),
        "CHAT_EMBEDDED_PROJECTOR": str(projector),
        "CHAT_LOG_LEVEL": "DEBUG",
    }
    picture = _picture_of(canary)

    with api_site("flask", {}, tmp_path, **settings) as api:
        server, visitor = api.server, Visitor(api.server.url)
        visitor.open()
        with watching(server, canary, server.temp, server.instance / "engine") as hits, api.http() as http:
            statuses = [http.post(path, json=body).status_code for path, body in _requests(str(canary), picture)]
            events = visitor.stream(str(canary), MODEL, files=(Upload(f"{canary}.png", picture, "image/png"),))
            page = visitor.send(str(canary), MODEL, files=(Upload(f"{canary}.png", picture[:80], "image/png"),))
        visitor.close()
        api.settled(1)

        assert statuses == [200, 200, 200, 200, 400, 400, 400, 400]
        assert events[-1][0] == "done"
        assert "damaged or cut off" in page.text
        assert (server.instance / "engine" / "state.json").exists()
        assert not [str(one) for one in [*hits, *sweep(canary, server.folder)]]


def _picture_of(canary: Canary) -> bytes:
    side = 64
    line = b"\0" + str(canary).encode().ljust(side * 3, b"\xff")
    return png_of(0, 0, 0, side, pixels=line * side, level=0)


def _requests(word: str, picture: bytes) -> list[tuple[str, dict[str, Any]]]:
    def chat(url: str, **more: Any) -> tuple[str, dict[str, Any]]:
        parts = [{"type": "text", "text": word}, {"type": "image_url", "image_url": {"url": url}}]
        return CHAT, {"model": MODEL, "max_tokens": 8, "messages": [{"role": "user", "content": parts}], **more}

    data = data_url(picture)
    source = {"type": "base64", "media_type": "image/png", "data": data.partition(",")[2]}
    said = [{"role": "user", "content": [{"type": "text", "text": word}, {"type": "image", "source": source}]}]
    shown = [{"role": "user", "content": [{"type": "input_text", "text": word}, {"type": "input_image", "image_url": data}]}]
    return [
        chat(data),
        chat(data, stream=True),
        (MESSAGES, {"model": MODEL, "max_tokens": 8, "messages": said, "stream": True}),
        (RESPONSES, {"model": MODEL, "max_output_tokens": 16, "input": shown}),
        chat(data_url(picture[:200])),
        chat(data_url(word.encode())),
        chat(data_url(png_that_no_decoder_reads())),
        chat(f"https://{word}.example/{word}.png"),
    ]
