"""Having a question answered: admitted, stored if it may be, asked through the one door, and its end written down."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from chat.accounts.models import Account
from chat.conversations import exchange, history
from chat.conversations.desk import Desk, choose_model
from chat.conversations.exchange import Act, Asked, Shelf
from chat.conversations.transcript import Transcript, Turn
from chat.inference import run
from chat.inference.events import Answer, Event
from chat.inference.receipts import NOTHING, draft, notary_of
from chat.inference.run import Call, Caller
from chat.kernel import clock
from chat.kernel.site import Site
from chat.metering.ledger import Source
from chat.providers.base import Cancel, Part
from chat.providers.catalogue import Catalogue, Model


@dataclass(slots=True)
class Exchange:
    """One question on its way. `turn` is its answer once `events()` has ended; `is_saved` whether it was stored."""

    asked: Asked
    model: Model
    call: Call
    catalogue: Catalogue
    shelf: Shelf | None
    cancel: Cancel = field(default_factory=Cancel)
    turn: Turn | None = None
    is_saved: bool = False

    def events(self) -> Iterator[Event]:
        """Yield the answer. When the iterator has ended or was closed, the answer is settled."""
        return run.stream(self.call, self.catalogue.provider_for(self.model), self.cancel, self._settle)

    @property
    def transcript(self) -> Transcript:
        """The conversation with the answer as far as it came."""
        return self.asked.transcript.add(self.turn) if self.turn else self.asked.transcript

    def _settle(self, came: Answer) -> None:
        turn = exchange.finished(self.asked, came)
        if self.shelf is None:
            self.turn = exchange.certified(turn, came, NOTHING)
        else:
            self.turn, self.is_saved = self.shelf.put_answer(turn, came)


def begin(
    desk: Desk, act: Act, turn_id: str | None, parts: tuple[Part, ...], *, guest: str, site: Site, catalogue: Catalogue
) -> Exchange:
    """Return the question ready to be asked; a saved conversation has it stored, uncommitted. Raises Problem."""
    model = choose_model(catalogue, desk.transcript.model)
    now = clock.now()
    asked = exchange.ask(replace(desk.transcript, model=model.id), act, turn_id, parts, now)
    request = exchange.request_for(asked, model)
    receipt = draft(
        model,
        request,
        Source.CHAT,
        subject=asked.answer.id,
        has_account=desk.account is not None,
        notary=notary_of(site),
        now=now,
    )
    call = Call(caller_of(desk.account, guest), model, request, Source.CHAT, receipt)
    run.admit(call, site.profile, site.limits)
    asked = exchange.with_draft(asked, receipt.document)
    return Exchange(asked, model, call, catalogue, _shelve(desk, asked, site))


def caller_of(account: Account | None, guest: str) -> Caller:
    """Return who asks, for the door: an account, or a guest by where they come from."""
    return Caller(None, guest) if account is None else Caller(account.id, account.public_id)


def _shelve(desk: Desk, asked: Asked, site: Site) -> Shelf | None:
    """Store the question where the conversation is kept; begin to keep one that may be kept. None when nothing is stored."""
    account = desk.account
    if account is None:
        return None
    if desk.row is not None:
        shelf = Shelf(account.id, desk.row.public_id, site.keyring, site.profile)
        shelf.put_question(asked, desk.transcript)
        return shelf
    if exchange.saves_by_itself(account, desk.transcript, site.profile):
        return Shelf(
            account.id,
            exchange.save(account, asked.transcript, site, clock.now()),
            site.keyring,
            site.profile,
        )
    return None


def remove(desk: Desk, turn_id: str) -> Transcript:
    """Return the conversation without that message and all that follows from it, stored ones deleted."""
    rest = desk.transcript.remove(turn_id)
    if desk.row is not None:
        history.hold(desk.row)
        # What another tab has added below it since goes too.
        history.remove_turns(desk.row, history.list_below(desk.row, turn_id))
        history.show_branch(desk.row, rest)
    return rest


def show(desk: Desk, turn_id: str) -> Transcript:
    """Return the conversation with that alternative in view, remembered where it is saved and not frozen."""
    shown = desk.transcript.show(turn_id)
    if desk.row is not None and desk.account is not None and desk.account.frozen_at is None:
        history.hold(desk.row)
        history.show_branch(desk.row, shown)
    return shown


def make_private(desk: Desk) -> Transcript:
    """Return the conversation as one that is not stored; what was stored of it is deleted."""
    if desk.row is not None:
        history.delete(desk.row)
    return replace(desk.transcript, is_private=True)
