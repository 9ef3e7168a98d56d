from datetime import timedelta

from chat.consent.purposes import Purpose
from chat.conversations.models import Conversation, StoredTurn
from chat.kernel.personal_data import Basis, Store
from chat.kernel.profile import Profile


def _keep_for(profile: Profile) -> timedelta:
    return timedelta(days=profile.retention.history)


def _longest(profile: Profile) -> timedelta:
    return timedelta(days=profile.retention.history_longest)


STORES = (
    Store(
        model=Conversation,
        title="Saved conversations",
        owner=Conversation.account_id,
        holds="the conversations you saved: title, instructions, model and when they were used",
        why="to show you your history; each goes when its time is up, or when you delete it or withdraw your consent",
        basis=Basis.CONSENT,
        purpose=Purpose.HISTORY,
        born=Conversation.updated_at,
        expires=Conversation.expires_at,
        keep_for=_keep_for,
        longest=_longest,
        exported=(
            "public_id", "created_at", "updated_at", "expires_at", "pinned", "leaf", "model", "temperature", "title",
            "instructions",
        ),
        withheld=("id", "account_id"),
    ),
    Store(
        model=StoredTurn,
        title="Saved messages",
        owner=StoredTurn.account_id,
        holds="what you and the model wrote in saved conversations, with the files you attached",
        why="to show you your history; it goes with its conversation",
        basis=Basis.CONSENT,
        purpose=Purpose.HISTORY,
        goes_with=Conversation,
        exported=("public_id", "parent", "role", "state", "problem", "model", "written_at", "body"),
        withheld=("id", "conversation_id", "account_id"),
    ),
)  # fmt: skip
