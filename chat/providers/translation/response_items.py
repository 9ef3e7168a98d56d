"""The items of one of OpenAI's responses: what a model thought, said or called, whole and as the events that say it.

Formats: as the types of OpenAI's SDK state them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from chat.providers.translation.refusal import Json

Event = tuple[str, Json]


class Item(ABC):
    """One item, as far as it came. `index` is its place in the response."""

    prefix: ClassVar[str]

    def __init__(self, response_id: str, index: int) -> None:
        self._id = f"{self.prefix}_{response_id}_{index}"
        self._index = index
        self._said: list[str] = []

    def begin(self) -> Iterator[Event]:
        yield "response.output_item.added", {"output_index": self._index, "item": self.shown("in_progress")}

    def more(self, text: str) -> Iterator[Event]:
        self._said.append(text)
        yield self._delta(text)

    def end(self, status: str) -> Iterator[Event]:
        yield "response.output_item.done", {"output_index": self._index, "item": self.shown(status)}

    @abstractmethod
    def shown(self, status: str) -> Json:
        """Return the item as it stands in a response."""

    @abstractmethod
    def _delta(self, text: str) -> Event: ...

    @property
    def _text(self) -> str:
        return "".join(self._said)

    @property
    def _place(self) -> Json:
        return {"item_id": self._id, "output_index": self._index}


class _Texts(Item):
    """An item of one part, which is text."""

    kind: ClassVar[str]
    # What stands beside the text in a part, and in an event about it.
    of_part: ClassVar[Json] = {}
    of_event: ClassVar[Json] = {}

    def begin(self) -> Iterator[Event]:
        yield from super().begin()
        yield "response.content_part.added", self._place | {"part": self._part}

    def end(self, status: str) -> Iterator[Event]:
        yield f"response.{self.kind}.done", self._place | {"text": self._text} | self.of_event
        yield "response.content_part.done", self._place | {"part": self._part}
        yield from super().end(status)

    def _delta(self, text: str) -> Event:
        return f"response.{self.kind}.delta", self._place | {"delta": text} | self.of_event

    @property
    def _place(self) -> Json:
        return super()._place | {"content_index": 0}

    @property
    def _part(self) -> Json:
        return {"type": self.kind, "text": self._text} | self.of_part

    @property
    def _parts(self) -> list[Json]:
        return [self._part] if self._said else []


class Words(_Texts):
    prefix, kind = "msg", "output_text"
    of_part: ClassVar[Json] = {"annotations": [], "logprobs": []}
    of_event: ClassVar[Json] = {"logprobs": []}

    def shown(self, status: str) -> Json:
        return {"id": self._id, "type": "message", "role": "assistant", "status": status, "content": self._parts}


class Thoughts(_Texts):
    prefix, kind = "rs", "reasoning_text"

    def shown(self, status: str) -> Json:
        return {"id": self._id, "type": "reasoning", "status": status, "summary": [], "content": self._parts}


class Call(Item):
    prefix = "fc"

    def __init__(self, response_id: str, index: int, call_id: str, name: str) -> None:
        super().__init__(response_id, index)
        self._call_id, self._name = call_id, name

    def end(self, status: str) -> Iterator[Event]:
        yield "response.function_call_arguments.done", self._place | {"name": self._name, "arguments": self._text}
        yield from super().end(status)

    def shown(self, status: str) -> Json:
        call = {"call_id": self._call_id, "name": self._name, "arguments": self._text}
        return {"id": self._id, "type": "function_call", "status": status} | call

    def _delta(self, text: str) -> Event:
        return "response.function_call_arguments.delta", self._place | {"delta": text}
