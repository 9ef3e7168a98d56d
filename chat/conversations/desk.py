"""From a posted form to the conversation it is about: opened from the page itself, or from the person's history."""

import re
from dataclasses import dataclass, replace

from chat.accounts.models import Account
from chat.consent.gate import Reader
from chat.conversations import history
from chat.conversations.codec import open_page
from chat.conversations.models import Conversation
from chat.conversations.transcript import State, Transcript
from chat.kernel import clock
from chat.kernel.errors import NotFound, Problem
from chat.kernel.site import Site
from chat.providers.base import Role, Text
from chat.providers.catalogue import Catalogue, Model

# What a terminal or a driver may choke on, and no writing needs; tabs and line ends stay.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Posted:
    """What the chat's form said, as plain values."""

    transcript: str = ""
    conversation: str = ""
    partial: str = ""
    model: str = ""
    instructions: str | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """The conversation at hand, who has it, and its row if it is saved.

    `transcript.model` is what the form asked for; whether that can be had is decided when a question is asked.
    """

    account: Account | None
    transcript: Transcript
    row: Conversation | None


def open_desk(posted: Posted, account: Account | None, session: str, site: Site) -> Desk:
    """Return the conversation of a form. Raises NotFound or StalePage."""
    row: Conversation | None = None
    if posted.conversation:
        row, transcript = open_saved(account, posted.conversation, site)
    else:
        transcript = open_page(posted.transcript, site.page_key, session) if posted.transcript else Transcript()
        transcript = _with_partial(transcript, clean(posted.partial))
    transcript = replace(transcript, model=clean(posted.model) or transcript.model)
    if posted.instructions is not None:  # a form without the options leaves them as they were
        transcript = replace(transcript, instructions=clean(posted.instructions).strip(), temperature=posted.temperature)
    return Desk(account, transcript, row)


def open_saved(account: Account | None, conversation_id: str, site: Site) -> tuple[Conversation, Transcript]:
    """Return one of the person's own conversations, row and opened. Raises NotFound."""
    if account is None:
        raise NotFound("This conversation belongs to somebody who is signed in. Sign in to open it.")
    row = history.get_conversation(account, conversation_id, clock.now())
    return row, history.load(row, Reader(account, site.keyring))


def choose_model(catalogue: Catalogue, model_id: str) -> Model:
    """Return the model of that id, or the site's default where none is named.

    Raises Problem when it is not offered: a message goes where the person was told, or nowhere.
    """
    default = catalogue.find_default()
    if default is None:
        raise Problem("No model can be asked on this site right now. Its operator can see why with `flask models list`.")
    model = catalogue.find_model(model_id) if model_id else default
    if model is None:
        raise Problem("The model that was chosen is not offered any more. Choose another one.", code="model_gone")
    return model


def clean(text: str) -> str:
    """Return `text` with line ends made one kind, and without control characters and lone surrogates."""
    return _CONTROL.sub("", text.replace("\r\n", "\n")).encode("utf-8", "replace").decode()


def _with_partial(transcript: Transcript, partial: str) -> Transcript:
    """Put back what the person saw of an answer that they stopped: the page alone has it."""
    if not partial or transcript.leaf is None:
        return transcript
    leaf = transcript.get(transcript.leaf)
    if leaf.role is not Role.ASSISTANT or leaf.state is not State.STOPPED:
        return transcript
    return transcript.add(replace(leaf, parts=(Text(partial),)))
