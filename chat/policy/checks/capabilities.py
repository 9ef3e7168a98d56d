"""What the site offers, used."""

from chat.policy.checks.sharing import models_on
from chat.policy.promise import require
from chat.policy.scratch.instance import Scratch


def chat(scratch: Scratch) -> str:
    """Every model answers, with scripts and without."""
    visitor = scratch.chatter()
    models = models_on(visitor.open())
    require(models, "No model can be chosen.")
    for model in models:
        events = visitor.stream("Hello", model)
        require(events and events[-1][0] == "done", f"{model} did not answer.")
        require("Here is an answer." in visitor.say("And now?", model).text, f"{model} did not answer without scripts.")
    return f"{len(models)} models answered, with scripts and without."


def sign_in(scratch: Scratch) -> str:
    """With the password one is in, without it one is not."""
    person = scratch.newcomer()
    person.sign_out()
    require(not person.is_signed_in(), "Signing out did not sign out.")
    wrong = scratch.browser_of(person)
    wrong.password = "not the password"  # noqa: S105  # that is the point
    wrong.sign_in()
    require(not wrong.is_signed_in(), "Somebody signed in with a wrong password.")
    person.sign_in()
    require(person.is_signed_in(), "Somebody could not sign in with the password.")
    return "The right password signed somebody in, a wrong one did not."
