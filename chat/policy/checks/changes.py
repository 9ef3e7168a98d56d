"""Age, places, changes."""

from chat.policy.checks.asking import report_child
from chat.policy.checks.programs import CHAT, body, make_key, program, soon
from chat.policy.checks.sharing import models_on
from chat.policy.promise import require
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.page import form_fields
from chat.policy.scratch.visitor import Person
from chat.policy.sweep import Canary

_MODELS = "/settings/models"


def age_minimum(scratch: Scratch) -> str:
    """Who does not confirm the age gets no account, and no birth date is asked."""
    visitor, age = scratch.visitor(), scratch.profile.law.minimum_age
    if not scratch.profile.sign_in.is_open:
        require(visitor.get("/register").status_code == 404, "Registration is closed, yet there is a form for it.")
        return "Nobody can register; the operator makes accounts for people known to be old enough."
    report_child(scratch)
    form = visitor.page("/register").form("/register")
    boxes = [one for one in form_fields(form) if one.get("name") == "is_old_enough"]
    require(boxes, "Registering does not ask whether one is old enough.")
    require("checked" not in boxes[0].attributes, "The confirmation of one's age is ticked already.")
    require(str(age) in form.text, f"The form does not say how old one must be: {age}.")
    names = {one.get("name") for one in form_fields(form)}
    require(not {name for name in names if "birth" in name or name == "age"}, "Registering asks for a birth date.")
    before = {row["public_id"] for row in scratch.tables.rows("account")}
    fields = {"email": "young@example.org", "display_name": "Young", "password": "long enough to be taken"}
    visitor.submit("/register", fields | {"is_old_enough": None}, action="/register")
    after = {row["public_id"] for row in scratch.tables.rows("account")}
    require(after == before, "Somebody who did not confirm to be old enough got an account.")
    scratch.newcomer()
    require(len(scratch.tables.rows("account")) > len(before), "Nobody could register, so nothing was shown.")
    return f"Without confirming to be {age} or older nobody got an account; no birth date was asked."


def transfer_regions(scratch: Scratch) -> str:
    """Somebody leaves out one region after the other: its models are refused in the chat and to a program, and get nothing."""
    person = scratch.newcomer()
    regions = _regions_offered(person)
    require(regions, "The settings name no region that could be left out.")
    shown = person.page("/providers").text
    require(all(region in shown for region in regions), "The list of models does not say where each runs.")
    if len(regions) == 1:
        return f"Every model of this site runs in one place, {regions[0]}, and says so."
    key, refused = make_key(scratch, person) if scratch.profile.features.api else None, 0
    for region in regions:
        _leave_out(person, region, regions)
        refused += _nothing_reaches(scratch, person, key, region)
    require(refused, "No model runs in any of the regions, so nothing was shown.")
    return f"Each of {len(regions)} regions was left out in turn: its models were refused, and were sent nothing."


def _regions_offered(person: Person) -> list[str]:
    form = person.page(_MODELS).form(_MODELS)
    return [str(one.get("value")) for one in form_fields(form) if one.get("name") == "regions"]


def _leave_out(person: Person, region: str, regions: list[str]) -> None:
    fields = {"regions": [one for one in regions if one != region]}
    person.submit(_MODELS, fields, action=_MODELS)
    form = person.page(_MODELS).form(_MODELS)
    left = [one.get("value") for one in form_fields(form) if one.get("name") == "regions" and "checked" not in one.attributes]
    require(left == [region], f"Leaving out {region} is not what the settings say afterwards.")


def _nothing_reaches(scratch: Scratch, person: Person, key: str | None, region: str) -> int:
    """Ask every model of the region in every way. Returns how many refused; raises Broken for one that did not."""
    canary, before = Canary(), len(scratch.provider.received)
    there = [
        model.id
        for provider in scratch.profile.providers
        if provider.policy and provider.policy.region == region
        for model in provider.models
    ]
    offered = models_on(person.open())
    require(not set(there) & set(offered), f"A model in {region} can be chosen by somebody who left that region out.")
    require(offered, f"Without {region} no model can be chosen, although others were allowed.")
    for model in there:
        said = person.say(f"Tell {canary}", model).text
        require("Here is an answer." not in said, f"{model} answered somebody who left its region out.")
        person.stream(f"Tell {canary}", model)
    if key:
        _refused_to_a_program(scratch, key, there, canary)
    reached = [one for one in scratch.provider.received[before:] if str(canary).encode() in one.raw]
    require(not reached, f"What was meant for a model in {region} was sent to its provider.")
    person.say("Hello", offered[0])
    require(len(scratch.provider.received) > before, f"Without {region} no model answers, so nothing was shown.")
    return len(there)


def _refused_to_a_program(scratch: Scratch, key: str, models: list[str], canary: Canary) -> None:
    with program(scratch, key) as http:
        soon(
            lambda: not {one["id"] for one in http.get("/v1/models").json()["data"]} & set(models),
            "The API goes on listing the models of a region after its owner left that out.",
        )
        for model in models:
            answer = http.post(CHAT, content=body(model, f"Tell {canary}"))
            require(answer.status_code in (403, 404), f"A program's request to {model} was not refused.")
