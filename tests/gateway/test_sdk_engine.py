"""Both official SDKs on the model that runs on this machine: whatever it says, it says it in the shape that they read."""

import json
from collections.abc import Iterator
from pathlib import Path

import anthropic
import openai
import pytest

from chat.providers.weights import EmbeddedModel
from tests.gateway.sdk import Sdk, openai_sdk
from tests.gateway.site import ApiSite, api_site
from tests.images import data_url, png
from tests.projector import write_projector

pytestmark = [pytest.mark.server, pytest.mark.engine]

MODEL = "smollm2-135m"
HI = [{"role": "user", "content": "Say hello."}]
PICTURE = "data:image/png;base64,iVBORw0KGgo="
PERSON = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"], "additionalProperties": False}


@pytest.fixture(scope="module")
def api(weights: EmbeddedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiSite]:
    folder = tmp_path_factory.mktemp("engine")
    with api_site("gunicorn", {}, folder, CHAT_EMBEDDED_MODEL=str(weights.path)) as started:
        yield started


def test_a_chat_completion(openai_client: Sdk, api: ApiSite) -> None:
    answer = openai_client("chat.completions.create", model=MODEL, messages=HI, max_tokens=8)
    chunks = openai_client.events("chat.completions.create", model=MODEL, messages=HI, max_tokens=8)

    assert answer.choices[0].message.content
    assert answer.usage.completion_tokens > 0
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    assert [(row.status, row.estimated) for row in api.settled(2)] == [("done", False)] * 2


def test_a_message(anthropic_client: Sdk) -> None:
    answer = anthropic_client("messages.create", model=MODEL, messages=HI, max_tokens=8)
    events = anthropic_client.events("messages.create", model=MODEL, messages=HI, max_tokens=8)
    counted = anthropic_client("messages.count_tokens", model=MODEL, messages=HI)

    assert answer.content[0].text
    assert answer.usage.output_tokens > 0
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")
    assert counted.input_tokens > 2


def test_structured_output(openai_client: Sdk) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": PERSON}}

    answer = openai_client("chat.completions.create", model=MODEL, messages=HI, max_tokens=60, response_format=form)

    assert isinstance(json.loads(answer.choices[0].message.content)["age"], int)


def test_a_response(openai_client: Sdk) -> None:
    answer = openai_client("responses.create", model=MODEL, input="Say hello.", max_output_tokens=16)

    assert answer.output_text


def test_leaving_ends_the_engines_work(openai_client: Sdk, api: ApiSite) -> None:
    long = [{"role": "user", "content": "Write a long story about a lighthouse."}]

    got = openai_client.events("chat.completions.create", most=3, model=MODEL, messages=long, max_tokens=2000)

    assert len(got) == 3
    (row,) = api.settled(1)
    assert (row.status, row.estimated) == ("stopped", True)


def test_errors_are_the_sdks_own(openai_client: Sdk, anthropic_client: Sdk) -> None:
    with pytest.raises(openai.NotFoundError):
        openai_client("chat.completions.create", model="nobody", messages=HI)
    with pytest.raises(anthropic.NotFoundError):
        anthropic_client("messages.create", model="nobody", messages=HI, max_tokens=8)
    with pytest.raises(openai.BadRequestError, match="store"):
        openai_client("responses.create", model=MODEL, input="Hi", store=True)


def test_images_are_refused_by_name(openai_client: Sdk, anthropic_client: Sdk, api: ApiSite) -> None:
    openais = [{"type": "image_url", "image_url": {"url": PICTURE}}]
    anthropics = [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE.partition(",")[2]}}]
    before = api.calls()

    with pytest.raises(openai.BadRequestError, match="does not see images"):
        openai_client("chat.completions.create", model=MODEL, messages=[{"role": "user", "content": openais}])
    with pytest.raises(anthropic.BadRequestError, match="does not see images"):
        anthropic_client("messages.create", model=MODEL, messages=[{"role": "user", "content": anthropics}], max_tokens=8)

    word = [{"role": "user", "content": "image_url"}]
    assert openai_client("chat.completions.create", model=MODEL, messages=word, max_tokens=4).choices[0].message.content
    assert api.calls() == before + 3


def test_embeddings(openai_client: Sdk) -> None:
    found = openai_client("embeddings.create", model=MODEL, input=["one", "two"])

    assert len(found.data) == 2
    assert found.data[0].embedding != found.data[1].embedding


def test_an_image_is_refused_while_the_projector_does_not_fit(weights: EmbeddedModel, tmp_path: Path) -> None:
    """The engine runs without it: text is answered, and no image is answered past."""
    projector = write_projector(tmp_path / "mmproj.gguf", weights.path, width=512)
    settings = {"CHAT_EMBEDDED_MODEL": str(weights.path), "CHAT_EMBEDDED_PROJECTOR": str(projector)}
    shown = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": data_url(png())}}]}]

    with api_site("gunicorn", {}, tmp_path, **settings) as api, openai_sdk("sync", api.url, api.key) as client:
        with pytest.raises(openai.BadRequestError, match="its projector does not fit it"):
            client("chat.completions.create", model=MODEL, messages=shown)
        answer = client("chat.completions.create", model=MODEL, messages=HI, max_tokens=4)
        with api.http() as http:
            ready = http.get("/readyz")

    assert answer.choices[0].message.content
    assert ready.status_code == 200
    assert "its projector does not fit" in ready.text
