"""What is known of each job: when it is due, who asked for it, and how its last run went."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from chat.kernel.db import Base, intpk


class JobState(Base):
    """One job. Runs are not kept, only the last one; a job takes no arguments, so nothing here is about anybody."""

    __tablename__ = "job_state"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(sa.String(64), unique=True)
    # The next turn. While the job runs: until when nobody else may begin it.
    due_at: Mapped[datetime]
    # Somebody asks for a run before the next turn. Empty again once one begins, so that no two clocks are ever compared.
    kicked_at: Mapped[datetime | None]
    # Runs begun since the last one that went well. A crash writes nothing, yet it counts.
    attempts: Mapped[int] = mapped_column(default=0)
    # The newest run began then; the rest is about the newest one that came to its end.
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    failed: Mapped[bool] = mapped_column(default=False)
    count: Mapped[int] = mapped_column(default=0)
