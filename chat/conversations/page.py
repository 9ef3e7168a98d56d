"""The chat's page, put together: what it shows, and the session that its sealed conversation is bound to."""

import secrets

from flask import Response, make_response, render_template, session

from chat.accounts.models import Account
from chat.accounts.sessions import current_account
from chat.consent import ledger
from chat.consent.gate import CannotRead, Reader
from chat.consent.purposes import Purpose, offered
from chat.conversations import keeping
from chat.conversations.codec import seal_page
from chat.conversations.feedback import list_ratings
from chat.conversations.history import opened
from chat.conversations.models import Conversation
from chat.conversations.present import (
    ChatView,
    Ratings,
    SidebarView,
    StorageLine,
    StorageView,
    entry_view,
    files_view,
    lifetime_view,
    model_view,
    sidebar_view,
    storage_view,
    turn_views,
)
from chat.conversations.queries import list_conversations
from chat.conversations.transcript import Transcript
from chat.inference.demands import allowed_for
from chat.kernel import clock
from chat.kernel.site import current_site
from chat.providers.current import current_catalogue


def page_session() -> str:
    """Return what binds this browser's unsaved conversations to its session, made with the first page."""
    if "_user_id" in session and current_account() is None:
        # The sign-in has ended, or the account is gone: what a page of theirs still holds opens for nobody any more.
        session.pop("_user_id")
        session.pop("page", None)
    if "page" not in session:
        session["page"] = secrets.token_urlsafe(16)
    bound: str = session["page"]
    return bound


def seal(transcript: Transcript) -> str:
    """Return the conversation for the page's hidden field."""
    return seal_page(transcript, current_site().page_key, page_session())


def model_name(model_id: str) -> str:
    """Return what people call the model, also when it is not offered any more."""
    found = current_catalogue().find_model(model_id)
    return found.name if found else model_id


def storage(account: Account | None, transcript: Transcript, row: Conversation | None) -> StorageView:
    """Return whether this conversation is kept, and until when."""
    profile = current_site().profile
    consented = account is not None and ledger.allows(account, Purpose.HISTORY)
    if account is not None and row is not None:
        lifetime = lifetime_view(row, keeping.days_of(account, profile), keeping.ends_at(row, profile), profile, clock.now())
        return storage_view(profile, state="saved", lifetime=lifetime, consented=consented)
    begins = consented and profile.features.history and not transcript.is_private and not transcript.turns
    days = keeping.days_of(account, profile) if account is not None else profile.retention.history
    return storage_view(profile, state="will_be_saved" if begins else "not_stored", keep_days=days, consented=consented)


def sidebar(account: Account | None, current: str | None) -> SidebarView | None:
    """Return the person's saved conversations for the side of the page; None for guests and where nothing was ever saved."""
    site = current_site()
    if account is None or not site.profile.features.history:
        return None
    try:
        reader = Reader(account, site.keyring)
    except CannotRead:
        return None  # the history's own page says why
    now = clock.now()
    return sidebar_view(list_conversations(account, reader, now), site.profile, now, current)


def ratings(account: Account | None, row: Conversation | None) -> Ratings | None:
    """Return the thumbs given in a saved conversation; None where none can be given."""
    site = current_site()
    if account is None or row is None or Purpose.IMPROVEMENT not in offered(site.profile.consents.offered):
        return None
    given = list_ratings(row, Reader(account, site.keyring))
    return Ratings(given, consented=ledger.allows(account, Purpose.IMPROVEMENT))


def chat_view(
    account: Account | None, transcript: Transcript, row: Conversation | None, *, draft: str = "", problem: str | None = None
) -> ChatView:
    """Return all that the chat's templates need."""
    site, catalogue = current_site(), current_catalogue()
    models = allowed_for(account, catalogue.list_models())
    chosen = next((one for one in models if one.id == transcript.model), models[0] if models else None)
    title = None
    if account is not None and row is not None:
        title = opened(row, Reader(account, site.keyring)).title
    return ChatView(
        title=title,
        conversation=row.public_id if row else None,
        transcript=None if row else seal(transcript),
        turns=turn_views(transcript, model_name, keeping.ends_at(row, site.profile) if row else None, ratings(account, row)),
        models=[model_view(model) for model in models],
        left_out=len(catalogue.list_models()) - len(models),
        model=model_view(chosen) if chosen else None,
        instructions=transcript.instructions,
        temperature=transcript.temperature,
        draft=draft,
        problem=problem,
        storage=storage(account, transcript, row),
        files=files_view(site.profile, sees_images=any(model.sees_images for model in models)),
        sensitive_data=site.profile.notices.sensitive_data,
    )


def render_chat(
    account: Account | None,
    transcript: Transcript,
    row: Conversation | None,
    *,
    draft: str = "",
    problem: str | None = None,
    status: int = 200,
) -> Response:
    """Return the whole page."""
    view = chat_view(account, transcript, row, draft=draft, problem=problem)
    html = render_template("conversations/chat.html", chat=view, sidebar=sidebar(account, view.conversation))
    return make_response(html, status)


def render_storage(account: Account | None, transcript: Transcript, row: Conversation | None) -> str:
    """Return the line that says where the conversation is kept, for a page that has just got an answer."""
    chosen = current_catalogue().find_model(transcript.model)
    line = StorageLine(storage=storage(account, transcript, row), model=model_view(chosen) if chosen else None)
    return render_template("conversations/_storage.html", chat=line)


def render_entry(account: Account, row: Conversation) -> str:
    """Return the conversation's line in the list beside the chat, for a page on which it has just begun."""
    saved = opened(row, Reader(account, current_site().keyring))
    entry = entry_view(saved, current_site().profile, clock.now(), row.public_id)
    # The account of a request that streams belongs to a session that has ended; the one given here is fresh.
    return render_template("conversations/_entry.html", entry=entry, account=account)


def render_thread(account: Account | None, transcript: Transcript, row: Conversation | None) -> Response:
    """Return the thread alone, for a page whose script puts it in place."""
    return make_response(render_template("conversations/_thread.html", chat=chat_view(account, transcript, row)))
