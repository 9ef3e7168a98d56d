from datetime import timedelta

from chat.consent.purposes import Purpose
from chat.conversations.codec import body_in_words
from chat.conversations.models import Conversation, Feedback, HistoryChoice, StoredTurn
from chat.kernel.personal_data import Basis, Store
from chat.kernel.profile import Profile


def _keep_for(profile: Profile) -> timedelta:
    return timedelta(days=profile.retention.history)


def _longest(profile: Profile) -> timedelta:
    return timedelta(days=profile.retention.history_longest)


_IMPROVEMENT: dict[str, str] = {
    Purpose.IMPROVEMENT: "for what stands under Improvement as taken, whoever tests and trains models for this site",
}

STORES = (
    Store(
        model=Conversation,
        title="Saved conversations",
        owner=Conversation.account_id,
        holds="the conversations you saved: title, instructions, model and when they were used",
        why="to show you your history; each goes when its time is up, or when you delete it or withdraw your consent",
        basis=Basis.CONSENT,
        purpose=Purpose.HISTORY,
        born=Conversation.kept_since,
        expires=Conversation.expires_at,
        keep_for=_keep_for,
        longest=_longest,
        read_by=_IMPROVEMENT,
        exported=(
            "public_id", "created_at", "updated_at", "kept_since", "expires_at", "own_days", "pinned", "leaf", "model",
            "temperature",
            "title", "instructions",
        ),
        withheld=("id", "account_id"),
    ),
    Store(
        model=HistoryChoice,
        title="How long history is kept",
        owner=HistoryChoice.account_id,
        holds="for how many days after the last message you want your conversations kept, if you chose that",
        why="to delete them when you want; it lives as long as the account",
        basis=Basis.CONTRACT,
        exported=("days",),
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
        opened={"body": body_in_words},
        linked={"conversation": (StoredTurn.conversation_id, Conversation.public_id)},
        read_by=_IMPROVEMENT,
        exported=("public_id", "parent", "role", "state", "problem", "model", "written_at", "body"),
        withheld=("id", "conversation_id", "account_id"),
    ),
    Store(
        model=Feedback,
        title="Your feedback on answers",
        owner=Feedback.account_id,
        holds="the thumbs you gave to answers of saved conversations, and the notes you wrote to them",
        why="to let this service become better; it goes with its answer, or when you take it back or withdraw your consent",
        basis=Basis.CONSENT,
        purpose=Purpose.IMPROVEMENT,
        goes_with=Conversation,
        read_by=_IMPROVEMENT,
        exported=("verdict", "given_at", "note"),
        withheld=("id", "public_id", "account_id", "conversation_id", "turn_id"),
    ),
)  # fmt: skip
