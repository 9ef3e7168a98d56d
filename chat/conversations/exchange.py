"""One question and its answer: what the next request holds, and what becomes of the conversation when the answer is there.

The conversation is a value; whether it is also a row is decided by `Desk.saved`, and writing goes through a permit taken at
the moment of writing: a consent withdrawn in the middle of an answer stops that answer from being stored.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chat.accounts.models import Account
from chat.consent import gate, ledger
from chat.consent.gate import CannotRead, NotPermitted
from chat.consent.purposes import Purpose
from chat.conversations import history, keeping
from chat.conversations.transcript import State, Transcript, Turn, answer, messages, renewed, say
from chat.inference.events import Answer
from chat.inference.receipts import NOTHING, Notary, Stored, amended, notary_of
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.errors import NotFound, Problem
from chat.kernel.keyring import Keyring
from chat.kernel.profile import Profile
from chat.kernel.signing import Document
from chat.kernel.site import Site
from chat.metering.ledger import Status
from chat.providers.base import FinishReason, Image, Message, Part, Request, Role, Text
from chat.providers.catalogue import Model
from chat.providers.engine_images import Allowance

_GO_ON = "Continue your last answer exactly where it stopped. Do not repeat anything and do not comment on it."
# A cautious guess for fitting a conversation into a model's context; providers count exactly and refuse what is too long.
_BYTES_PER_TOKEN = 3
_TOKENS_PER_IMAGE = 1500


class Act(StrEnum):
    SEND = "send"
    EDIT = "edit"
    REGENERATE = "regenerate"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Asked:
    """A conversation with its question asked and its answer still empty. `before` is what a continued answer already says."""

    transcript: Transcript
    answer: Turn
    before: str = ""
    reasoning_before: str = ""


def ask(transcript: Transcript, act: Act, turn_id: str | None, parts: tuple[Part, ...], now: datetime) -> Asked:
    """Return the conversation ready to be answered. Raises NotFound for a turn that is gone, Problem for nothing to say."""
    match act:
        case Act.SEND:
            if not parts:
                raise Problem("There is nothing to send yet: write a message or attach a file.")
            return _question(transcript, transcript.leaf, parts, now)
        case Act.EDIT:
            old = transcript.get(turn_id)
            if old.role is not Role.USER:
                raise NotFound("Only a message of your own can be edited.")
            words = tuple(part for part in parts if isinstance(part, Text))
            kept = (*old.files, *words)
            if not kept:
                raise Problem("There is nothing to send yet: an edited message needs some words.")
            return _question(transcript, old.parent, kept, now)
        case Act.REGENERATE:
            return _again(transcript, transcript.get(turn_id), now)
        case Act.CONTINUE:
            old = transcript.get(turn_id)
            if old.role is not Role.ASSISTANT:
                raise NotFound("Only an answer can be continued.")
            going_on = replace(old, state=State.STOPPED, problem="", model=transcript.model)
            return Asked(transcript.add(going_on), going_on, old.text, old.reasoning)


def _question(transcript: Transcript, parent: str | None, parts: tuple[Part, ...], now: datetime) -> Asked:
    question = say(parent, parts, now)
    reply = answer(question.id, transcript.model, now)
    return Asked(transcript.add(question).add(reply), reply)


def _again(transcript: Transcript, old: Turn, now: datetime) -> Asked:
    question = old if old.role is Role.USER else transcript.get(old.parent)
    reply = answer(question.id, transcript.model, now)
    # An answer that never said a word is no alternative to anything, unless the conversation went on below it.
    is_empty = old.role is Role.ASSISTANT and not old.parts and len(transcript.below(old.id)) == 1
    rest = transcript.remove(old.id) if is_empty else transcript
    return Asked(rest.add(reply), reply)


def with_draft(asked: Asked, draft: Document) -> Asked:
    """Return it with the draft of the answer's receipt, which the page keeps if it leaves before the end."""
    reply = replace(asked.answer, receipts=(*asked.answer.receipts, draft))
    return replace(asked, transcript=asked.transcript.add(reply), answer=reply)


def request_for(asked: Asked, model: Model) -> Request:
    """Return what to ask of `model`: the branch in view, as much of its end as fits the context. Raises Problem."""
    branch = asked.transcript.path(asked.answer.id)
    said = messages(branch if asked.before else branch[:-1])
    if asked.before:
        said = (*said, Message(Role.USER, (Text(_GO_ON),)))
    if not model.sees_images and any(_pictures(said)):
        raise Problem(
            f"{model.name} cannot see pictures. Choose a model that can, or remove the picture from the conversation."
        )
    room = model.context - model.longest_answer - _tokens(asked.transcript.instructions)
    said = _fitting(said, room)
    if model.kind == "embedded":
        allowance = Allowance()
        for picture in _pictures(said):
            allowance.take(picture)
    return Request(
        model=model.upstream,
        messages=said,
        system=asked.transcript.instructions or None,
        temperature=asked.transcript.temperature,
        max_tokens=model.longest_answer,
        reasoning=model.reasons,
    )


def _pictures(said: Iterable[Message]) -> Iterator[Image]:
    return (part for message in said for part in message.parts if isinstance(part, Image))


def _fitting(said: tuple[Message, ...], room: int) -> tuple[Message, ...]:
    """Return the newest messages that fit, beginning with one of the person's; the last one always goes."""
    used, first = 0, len(said) - 1
    for index in range(len(said) - 1, -1, -1):
        used += sum(_TOKENS_PER_IMAGE if isinstance(part, Image) else _tokens(part.text) for part in said[index].parts)
        if used > room and index < len(said) - 1:
            break
        if said[index].role is Role.USER:
            first = index
    return said[first:]


def _tokens(text: str) -> int:
    return len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN


def finished(asked: Asked, came: Answer) -> Turn:
    """Return the answer's turn as it ended."""
    text = asked.before + came.text.getvalue()
    return replace(
        asked.answer,
        parts=(Text(text),) if text else (),
        reasoning=asked.reasoning_before + came.reasoning.getvalue(),
        state=_state(came),
        problem=came.failed.message if came.failed else "",
    )


def certified(turn: Turn, came: Answer, stored: Stored) -> Turn:
    """Return the answer with its receipt in place of the draft."""
    if came.certify is None:
        return turn
    return replace(turn, receipts=(*turn.receipts[:-1], came.certify(stored)))


def _state(came: Answer) -> State:
    if came.status is Status.FAILED:
        return State.FAILED
    if came.status is Status.STOPPED:
        return State.STOPPED
    return State.CUT if came.reason is FinishReason.LENGTH else State.DONE


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a saved conversation is kept: whose, and under which row. Holds ids, so that it outlives a session."""

    account_id: int
    conversation_id: str
    keyring: Keyring
    profile: Profile

    def put_question(self, asked: Asked, before: Transcript) -> None:
        """Store the question before it is asked: a crash in the middle of the answer loses the answer alone.

        `before` is the conversation as it was opened. Raises NotFound when what is answered was removed since.
        """
        now = clock.now()
        account = db.session.get_one(Account, self.account_id)
        permit = gate.issue(account, Purpose.HISTORY, self.keyring)
        conversation = history.get_conversation(account, self.conversation_id, now)
        history.hold(conversation)
        branch = asked.transcript.path(asked.answer.id)
        known = [turn.id for turn in branch if turn.id in before.turns]
        if known and not history.has_any(known[-1:]):
            raise NotFound("That message was removed meanwhile. Reload the page to see what is there.")
        history.remove_last(conversation, set(before.turns) - set(asked.transcript.turns))
        for turn in branch[-2:]:
            if turn.id not in before.turns or turn.id == asked.answer.id:
                history.write_turn(permit, conversation, turn)
        # Asked for now, under the permit's lock: a time chosen meanwhile holds for this message too.
        keep_for = keeping.keep_for(account, conversation.own_days, self.profile)
        history.update(permit, conversation, asked.transcript, keep_for, now)

    def put_answer(self, turn: Turn, came: Answer) -> tuple[Turn, bool]:
        """Store what came, if the consent still stands and the conversation still exists.

        Return it with its receipt, and whether it was stored.
        """
        account = db.session.get(Account, self.account_id)
        if account is None:
            return certified(turn, came, NOTHING), False
        try:
            permit = gate.issue(account, Purpose.HISTORY, self.keyring)
            conversation = history.get_conversation(account, self.conversation_id, clock.now())
            history.hold(conversation)
        except (NotPermitted, NotFound, CannotRead):
            # Withdrawn or deleted while the answer was coming: it is on the page, and nowhere else.
            return certified(turn, came, history.stored_of(turn)), False
        turn = certified(turn, came, history.stored_of(turn))
        return turn, history.rewrite_turn(permit, conversation, turn)


def save(account: Account, transcript: Transcript, site: Site, now: datetime) -> str:
    """Store a conversation that so far lived in the page, and return its public id. Raises NotPermitted.

    Saved twice, by a second click or after going back, it is the same conversation; when it went on differently since,
    it becomes another one.
    """
    permit = gate.issue(account, Purpose.HISTORY, site.keyring)
    if known := history.find_holding(account, transcript.turns, now):
        return known
    if history.has_any(transcript.turns):
        transcript = renewed(transcript)
    keep_for = keeping.keep_for(account, None, site.profile)
    transcript = _receipted(transcript, now + keep_for, notary_of(site), now)
    return history.create(permit, account, transcript, keep_for, now).public_id


def _receipted(transcript: Transcript, until: datetime, notary: Notary, now: datetime) -> Transcript:
    """Return the conversation with receipts that say that it is stored: those it had in the page say that it was not."""
    stored = history.stored_until(until)
    turns = {
        turn.id: replace(turn, receipts=tuple(amended(one, stored, now, notary) for one in turn.receipts))
        for turn in transcript.turns.values()
    }
    return replace(transcript, turns=turns)


def saves_by_itself(account: Account | None, transcript: Transcript, profile: Profile) -> bool:
    """Whether a conversation that begins now is stored: history is on, and the person did not say "don't save this one".

    One that began unsaved stays unsaved until its own button is pressed, whatever was switched on meanwhile.
    """
    return (
        account is not None
        and profile.features.history
        and not transcript.is_private
        and not transcript.turns
        and ledger.allows(account, Purpose.HISTORY)
    )
