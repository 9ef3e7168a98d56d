"""Whether the engine knows a grammar. One that it cannot make anything of it leaves out in silence, and answers as it likes.

So each grammar made of what a caller wrote is tried first, behind a sign that no answer begins with unless it has to. The
trial asks with the same conversation: the engine keeps what it read of it, and the answer itself begins one token later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chat.providers.base import Cancel
from chat.providers.passing import Endpoint, Protocol, pass_on
from chat.providers.translation.refusal import NotAble
from chat.providers.translation.tools_told import TRIAL
from chat.providers.transport import Transport

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried: the grammar of the answer, or of all tools together, and to name the one at fault, of each."""

    model: str
    messages: list[dict[str, Any]] = field(repr=False)
    together: str = field(repr=False)
    single: Mapping[str, str] = field(repr=False)

    def check(self, transport: Transport, endpoint: Endpoint, cancel: Cancel) -> None:
        """Raise NotAble where the engine would not hold the model to it; ProviderProblem where it cannot be asked."""
        if self._is_known(self.together, transport, endpoint, cancel):
            return
        if not self.single:
            raise NotAble(
                "The model cannot be held to the JSON schema that its answer should have (`response_format`, or `format`): "
                "it is wrong, or has a part that no grammar can say."
            )
        for name, grammar in self.single.items():
            if not self._is_known(grammar, transport, endpoint, cancel):
                raise NotAble(
                    f"The model cannot be held to the `parameters` of the tool `{name}`: "
                    "their JSON schema is wrong, or has a part that no grammar can say."
                )
        raise NotAble("The model cannot be held to so many tools at once. Send fewer, or smaller ones.")

    def _is_known(self, grammar: str, transport: Transport, endpoint: Endpoint, cancel: Cancel) -> bool:
        body = {"model": self.model, "messages": self.messages, "grammar": grammar, "max_tokens": 1, "temperature": 0}
        passed = pass_on(transport, endpoint, Protocol.CHAT, _encode(body), cancel)
        try:
            said = _decode(passed.read())
        finally:
            passed.close()
        match said:
            case {"choices": [{"message": {"content": str(text)}}]}:
                return text.startswith(TRIAL)
        return False
