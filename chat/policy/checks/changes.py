"""Age, places, changes."""

from chat.policy.checks.asking import report_child
from chat.policy.promise import require
from chat.policy.scratch.instance import Scratch
from chat.policy.scratch.page import form_fields


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
