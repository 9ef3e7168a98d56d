"""A title from a model, only when the person asks for one: it is one more call with their words."""

from datetime import datetime

from chat.accounts.models import Account
from chat.consent import gate
from chat.consent.gate import Reader
from chat.consent.purposes import Purpose
from chat.conversations import history
from chat.conversations.answering import caller_of
from chat.conversations.desk import choose_model
from chat.conversations.titles import title_from
from chat.conversations.transcript import Transcript
from chat.inference import run
from chat.inference.events import Answer
from chat.inference.run import Call
from chat.kernel.errors import Problem
from chat.kernel.site import Site
from chat.metering.ledger import Source, Status
from chat.providers.base import Cancel, Message, Request, Role, Text
from chat.providers.catalogue import Catalogue

_ASK = "Write a title of at most six words for the conversation below. Answer with the title alone.\n\n"
_READ = 2_000
_LONGEST_ANSWER = 200


def ask_title(account: Account, conversation_id: str, site: Site, catalogue: Catalogue, now: datetime) -> None:
    """Have the conversation's own model name it; the door commits title and usage together. Raises Problem when it fails."""
    conversation = history.get_conversation(account, conversation_id, now)
    transcript = history.load(conversation, Reader(account, site.keyring))
    model = choose_model(catalogue, transcript.model)
    request = Request(
        model=model.upstream,
        messages=(Message(Role.USER, (Text(_ASK + _beginning(transcript)),)),),
        max_tokens=min(_LONGEST_ANSWER, model.longest_answer),
    )
    call = Call(caller_of(account, ""), model, request, Source.TITLE)
    run.admit(call, site.profile, site.limits)

    failure: list[str] = []

    def keep(came: Answer) -> None:
        words = "".join(came.text).strip().strip("\"'“”").strip()
        if came.status is Status.FAILED or not words:
            failure.append(came.failed.message if came.failed else "The model gave no title. Please try again, or write one.")
            return
        permit = gate.issue(account, Purpose.HISTORY, site.keyring)
        history.rename(permit, conversation, title_from(words))

    for _event in run.stream(call, catalogue.provider_for(model), Cancel(), keep):
        pass
    if failure:
        raise Problem(failure[0])


def _beginning(transcript: Transcript) -> str:
    return "\n\n".join(turn.text for turn in transcript.path()[:2])[:_READ]
