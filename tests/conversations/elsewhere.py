"""Exports of other services for tests, made here from how their shape is known; no line of them was ever written by anybody."""

import io
import json
import zipfile
from typing import Any


def node(
    name: str, parent: str | None, role: str | None = None, *parts: Any, kind: str = "text", **more: Any
) -> dict[str, Any]:
    """A node of ChatGPT's mapping, without a message if no role is given."""
    message = None
    if role is not None:
        message = {
            "id": name, "author": {"role": role, "name": None, "metadata": {}}, "create_time": more.pop("at", 1_700_000_000.5),
            "content": {"content_type": kind, "parts": list(parts)}, "status": "finished_successfully", "metadata": more,
        }  # fmt: skip
    return {"id": name, "parent": parent, "children": [], "message": message}


def chatgpt(*nodes: dict[str, Any], name: str = "conversation-1", current: str | None = None, **more: Any) -> dict[str, Any]:
    mapping = {one["id"]: one for one in nodes}
    for one in nodes:
        if one["parent"] in mapping:
            mapping[one["parent"]]["children"].append(one["id"])
    return {
        "title": "Tides", "create_time": 1_700_000_000.25, "update_time": 1_700_003_600.0, "mapping": mapping,
        "current_node": current or nodes[-1]["id"], "conversation_id": name, "id": name,
    } | more  # fmt: skip


def tides(name: str = "conversation-1") -> dict[str, Any]:
    """A question that was asked in two ways; the first has two answers, with a tool's work between question and answer."""
    return chatgpt(
        node("root", None),
        node("system", "root", "system", ""),
        node("q1", "system", "user", "Why are there tides?"),
        node("a1", "q1", "assistant", "The moon.", model_slug="gpt-4o"),
        node("call", "q1", "assistant", "search()", kind="code"),
        node("tool", "call", "tool", "result"),
        node("a2", "tool", "assistant", "The moon and the sun.", model_slug="gpt-5"),
        node("q2", "system", "user", "Explain tides.", {"content_type": "image_asset_pointer"}, kind="multimodal_text"),
        node("a3", "q2", "assistant", "Water follows gravity."),
        name=name,
        current="a2",
    )


def claude(*messages: dict[str, Any], name: str = "c-1", **more: Any) -> dict[str, Any]:
    return {
        "uuid": name, "name": "Bread", "created_at": "2026-03-01T10:00:00.000000Z", "updated_at": "2026-03-01T11:00:00.000000Z",
        "account": {"uuid": "somebody"}, "chat_messages": list(messages),
    } | more  # fmt: skip


def said(name: str, sender: str, *texts: str, **more: Any) -> dict[str, Any]:
    blocks = [{"type": "text", "text": text} for text in texts]
    return {
        "uuid": name, "sender": sender, "text": " ".join(texts), "content": blocks, "created_at": "2026-03-01T10:00:01Z",
        "attachments": [], "files": [],
    } | more  # fmt: skip


def as_json(*conversations: Any) -> bytes:
    return json.dumps(list(conversations)).encode()


def as_zip(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()
