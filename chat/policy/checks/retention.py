"""Whether what is kept is kept for as long as is said, and no longer: the instance's clock is moved."""

from datetime import UTC, datetime

from chat.policy.checks.storage import sealed
from chat.policy.promise import require
from chat.policy.scratch.instance import Scratch


def account(scratch: Scratch) -> str:
    """Years later, after every job has run, the account is what it was."""
    person = scratch.newcomer()
    for _year in range(3):
        scratch.advance(days=366)
        scratch.let_jobs_run()
    later = scratch.browser_of(person)
    later.sign_in()
    require(later.is_signed_in(), "Somebody could not sign in after three years.")
    shown = [one.get("value") for one in later.page("/settings/profile").all("input")]
    require(person.name in shown, "An account had lost its name after three years.")
    return "After three years, and every job of the site, somebody signed in and found the account as it was."


def history(scratch: Scratch) -> str:
    """A kept conversation is there until its day, cannot be opened after it, and is gone after the next purge."""
    person, days = scratch.newcomer(), scratch.profile.retention.history
    before = sealed(scratch)
    person.give("history")
    person.open()
    person.stream("Keep this")
    kept = person.fields.get("conversation")
    require(kept, "A conversation was not stored although that was switched on.")
    scratch.advance(days=days - 1)
    person.sign_in()
    require(person.get(f"/c/{kept}").status_code == 200, f"A conversation was gone before its {days} days were over.")
    scratch.advance(days=1, minutes=1)
    require(person.get(f"/c/{kept}").status_code == 404, f"A conversation could be opened after {days} days.")
    require(str(kept) not in person.get("/history").text, f"A conversation was still listed after {days} days.")
    scratch.let_jobs_run()
    require(not sealed(scratch) - before, "What had expired was still stored after the purge.")
    return f"A conversation was there for {days} days, then could not be opened, and after the next purge was gone."


def logs(scratch: Scratch) -> str:
    """No record of a single request is older than is said once the jobs have run."""
    days = scratch.profile.retention.request_logs
    scratch.chatter().stream("Hello")
    scratch.newcomer().stream("Hello")
    require(len(scratch.tables.rows("usage")) >= 2, "No record was made, so none could be forgotten.")
    now = scratch.advance(days=days, minutes=1)
    scratch.let_jobs_run()
    old = [row for row in scratch.tables.rows("usage") if _days_since(row["at"], now) >= days]
    require(not old, f"{len(old)} records of single requests were older than {days} days.")
    return f"After {days} days no record of a single request was left."


def _days_since(moment: datetime, now: datetime) -> float:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (now - aware).total_seconds() / 86400
