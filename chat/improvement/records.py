"""A conversation as fine-tuning data: OpenAI's chat format, one JSON object a line, without the person's name and address.

https://platform.openai.com/docs/guides/fine-tuning: `messages` of `role` and `content`. Beside them stands what the person
thought of which message.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chat.accounts.models import Account
from chat.conversations.feedback import Rating
from chat.conversations.transcript import Transcript, Turn
from chat.providers.base import File, Image, Part, Role, Text

# A shorter name is a word of the language more often than a name.
_SHORTEST_NAME = 3


@dataclass(frozen=True, slots=True)
class Labels:
    """What the lines of one conversation are marked with instead of names: pseudonyms."""

    conversation: str
    subject: str


class Scrubber:
    """Takes one person's own address and name out of what they wrote. Other names stay: the words say so."""

    def __init__(self, account: Account) -> None:
        self._address = re.compile(re.escape(account.email), re.IGNORECASE)
        name = account.display_name.strip()
        self._name = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE) if len(name) >= _SHORTEST_NAME else None

    def clean(self, text: str) -> str:
        text = self._address.sub("[e-mail address]", text)
        return self._name.sub("[name]", text) if self._name else text


def lines(transcript: Transcript, ratings: Mapping[str, Rating], labels: Labels, scrubber: Scrubber) -> Iterator[str]:
    """Yield a line for the branch in view, and one for each rated answer that is on another branch."""
    shown = transcript.path()
    branches = [shown]
    seen = {turn.id for turn in shown}
    for turn_id in ratings:
        if turn_id not in seen and turn_id in transcript.turns:
            branches.append(transcript.path(turn_id))
            seen.update(turn.id for turn in branches[-1])
    for branch in branches:
        line = _line(branch, transcript.instructions, ratings, labels, scrubber)
        if line is not None:
            yield line


def _line(
    branch: list[Turn], instructions: str, ratings: Mapping[str, Rating], labels: Labels, scrubber: Scrubber
) -> str | None:
    messages: list[dict[str, Any]] = []
    feedback: list[dict[str, Any]] = []
    if instructions:
        messages.append({"role": "system", "content": scrubber.clean(instructions)})
    for turn in branch:
        if not turn.parts:
            continue
        messages.append({"role": turn.role.value, "content": _content(turn.parts, scrubber)})
        if given := ratings.get(turn.id):
            said = {"message": len(messages) - 1, "rating": given.verdict.value}
            feedback.append(said | ({"note": scrubber.clean(given.note)} if given.note else {}))
    if not any(message["role"] == Role.ASSISTANT.value for message in messages):
        return None  # nothing to learn from a question alone
    record = {
        "messages": messages, "feedback": feedback, "conversation": labels.conversation, "subject": labels.subject,
    }  # fmt: skip
    return json.dumps(record, ensure_ascii=False) + "\n"


def _content(parts: tuple[Part, ...], scrubber: Scrubber) -> str | list[dict[str, Any]]:
    if all(isinstance(part, Text) for part in parts):
        return "".join(scrubber.clean(part.text) for part in parts if isinstance(part, Text))
    return [_part(part, scrubber) for part in parts]


def _part(part: Part, scrubber: Scrubber) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "text": scrubber.clean(text)}
        case File(name, _media_type, text):
            return {"type": "text", "text": scrubber.clean(f"{name}\n\n{text}")}
        case Image(media_type, data):
            encoded = base64.b64encode(data).decode()
            return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{encoded}"}}
