"""Whether what is kept is kept for as long as is said, and no longer: the instance's clock is moved."""

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
