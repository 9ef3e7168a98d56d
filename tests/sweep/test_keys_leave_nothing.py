"""An API key is on the page that shows it and in the requests that carry it: in no table, no log and no file of the server."""

import pytest

from chat.policy.sweep import Canary
from tests.browser import Page, form_data
from tests.servers import Server
from tests.sweep.conftest import Swept
from tests.sweep.visitor import Visitor

pytestmark = pytest.mark.server
NEW = "/settings/keys/new"


def test_a_key_is_nowhere_after_it_was_made_and_used(server: Server, swept: Swept) -> None:
    visitor, name = Visitor(server.url), Canary()
    visitor.register("keymaker")
    form = Page(visitor.http.get(NEW).text).form(NEW)
    shown = Page(visitor.http.post(NEW, data=form_data(form) | {"name": str(name)}).text)
    (key,) = [one.text for one in shown.all("code") if one.get("id") == "key"]
    canary = Canary(key)  # at once: what was written before there was a canary is not searched

    _use(visitor, key)

    assert visitor.http.get("/settings/keys").status_code == 200
    visitor.close()
    assert not [str(one) for one in swept(canary)]
    # The search does find what is kept of it.
    assert swept(name)


def _use(visitor: Visitor, key: str) -> None:
    body = {"model": "ok", "messages": [{"role": "user", "content": "Hi"}]}
    for headers in ({"authorization": f"Bearer {key}"}, {"x-api-key": key}):
        assert visitor.http.get("/v1/models", headers=headers).status_code == 200
        assert visitor.http.post("/v1/chat/completions", json=body, headers=headers).status_code == 200
    # Where a key does not belong it opens nothing, and is not written down either.
    assert visitor.http.get("/v1/models", params={"api_key": key}).status_code == 401
    assert visitor.http.get("/v1/models", headers={"cookie": f"api_key={key}"}).status_code == 401
    assert visitor.http.get(f"/v1/models/{key}", headers={"x-api-key": key}).status_code == 404
    assert visitor.http.post("/v1/chat/completions", json=body | {"model": key}, headers={"x-api-key": key}).status_code == 404
    assert visitor.http.post("/v1/chat/completions", content=key, headers={"x-api-key": key}).status_code == 400
