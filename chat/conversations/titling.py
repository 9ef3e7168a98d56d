"""A title from a model, only when the person asks for one: it is one more call with their words."""

from dataclasses import dataclass
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
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.kernel.keyring import Keyring
from chat.kernel.site import Site
from chat.metering.ledger import Source, Status
from chat.providers.base import Cancel, Message, Request, Role, Text
from chat.providers.catalogue import Catalogue

_ASK = "Write a title of at most six words for the conversation below. Answer with the title alone.\n\n"
_READ = 2_000
_LONGEST_ANSWER = 200


@dataclass(slots=True)
class Naming:
    """A title on its way. Holds ids, so that no transaction stays open while the model thinks."""

    account_id: int
    conversation_id: str
    keyring: Keyring
    call: Call
    catalogue: Catalogue
    failure: str = ""

    def ask(self) -> None:
        """Have the model name the conversation; the door commits title and usage together. Raises Problem when it fails."""
        provider = self.catalogue.provider_for(self.call.model)
        for _event in run.stream(self.call, provider, Cancel(), self._settle):
            pass
        if self.failure:
            raise Problem(self.failure)

    def _settle(self, came: Answer) -> None:
        words = came.text.getvalue().strip().strip("\"'“”").strip()
        if came.status is Status.FAILED or not words:
            self.failure = came.failed.message if came.failed else "The model gave no title. Please try again, or write one."
            return
        account = db.session.get_one(Account, self.account_id)
        permit = gate.issue(account, Purpose.HISTORY, self.keyring)
        conversation = history.get_conversation(account, self.conversation_id, clock.now())
        history.hold(conversation)
        history.rename(permit, conversation, title_from(words))


def begin(account: Account, conversation_id: str, site: Site, catalogue: Catalogue, now: datetime) -> Naming:
    """Return the question for a title, admitted. Raises Problem, without a permit before anything is sent."""
    conversation = history.get_conversation(account, conversation_id, now)
    gate.issue(account, Purpose.HISTORY, site.keyring)
    transcript = history.load(conversation, Reader(account, site.keyring))
    model = choose_model(catalogue, transcript.model)
    request = Request(
        model=model.upstream,
        messages=(Message(Role.USER, (Text(_ASK + _beginning(transcript)),)),),
        max_tokens=min(_LONGEST_ANSWER, model.longest_answer),
    )
    call = Call(caller_of(account, ""), model, request, Source.TITLE)
    run.admit(call, site.profile, site.limits)
    return Naming(account.id, conversation_id, site.keyring, call, catalogue)


def _beginning(transcript: Transcript) -> str:
    return "\n\n".join(turn.text for turn in transcript.path()[:2])[:_READ]
