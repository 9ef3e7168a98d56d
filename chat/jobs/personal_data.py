"""The jobs' table is about the site, never about a person."""

from chat.jobs.models import JobState
from chat.kernel.personal_data import Basis, Store

STORES = (
    Store(
        model=JobState,
        title="Background jobs",
        holds="when each background job of this site last ran, and whether it went well; nothing about you",
        why="to run each job in its time, once however many machines there are",
        basis=Basis.LEGITIMATE_INTEREST,
        withheld=("id", "name", "due_at", "kicked_at", "attempts", "started_at", "ended_at", "failed", "count"),
    ),
)
