"""The model that runs on this machine: the engine, found or started, asked like any other endpoint."""

import threading
from collections.abc import Iterator
from pathlib import Path

from chat.providers.base import Cancel, Event, Finished, FinishReason, Image, ProviderProblem, Request
from chat.providers.engine import Engine, State
from chat.providers.letterhead import Letterheads
from chat.providers.openai import OpenAIProvider
from chat.providers.passing import Endpoint
from chat.providers.problems import Failure
from chat.providers.projector import BLIND
from chat.providers.transport import Transport
from chat.providers.weights import EmbeddedModel

_GONE = (Failure.UNREACHABLE, Failure.CUT, Failure.AUTH)


class EmbeddedProvider:
    """Asks the engine, which is started again when it has died; an answer that has begun is not asked for twice."""

    def __init__(self, instance: Path, model: EmbeddedModel, *, context: int, transport: Transport) -> None:
        self.engine = Engine(instance, model, context=context)
        self._transport = transport
        self._letterheads = Letterheads(instance)
        self._lock = threading.Lock()
        self._asked: tuple[State, OpenAIProvider] | None = None

    def stream(self, request: Request, cancel: Cancel) -> Iterator[Event]:
        for is_last in (False, True):
            state = self._locate(cancel)
            if state is None:
                break
            if not state.sees_images and _shows_pictures(request):
                raise ProviderProblem(BLIND, code="projector_missing")
            has_begun = False
            try:
                for event in self._endpoint(state).stream(request, cancel):
                    has_begun = True
                    yield event
            except ProviderProblem as error:
                if is_last or has_begun or error.code not in _GONE:
                    raise
            else:
                return
            # It died between being found and being asked, or it lives and does not answer.
            self.engine.end(state)
        yield Finished(FinishReason.STOPPED)

    def endpoint(self, cancel: Cancel) -> Endpoint:
        """Return where the engine listens now, started if it does not run. Raises ProviderProblem."""
        state = self.engine.locate(cancel)
        return Endpoint(state.url, {"authorization": f"Bearer {state.key}"}, sees_images=state.sees_images)

    def _locate(self, cancel: Cancel) -> State | None:
        """Return where the engine listens, or None when the reader left while it started."""
        try:
            return self.engine.locate(cancel)
        except ProviderProblem:
            if not cancel.is_set:
                raise
        return None

    def _endpoint(self, state: State) -> OpenAIProvider:
        with self._lock:
            if self._asked is None or self._asked[0] != state:
                letterhead = self._letterheads.write("openai", state.url, state.key)
                self._asked = (state, OpenAIProvider(letterhead, self._transport))
            return self._asked[1]


def _shows_pictures(request: Request) -> bool:
    return any(isinstance(part, Image) for message in request.messages for part in message.parts)
