"""The policy's versions: each readable, and what each changed."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from chat.kernel import clock
from chat.kernel.access import public
from chat.policy.difference import difference
from chat.policy.readable import readable
from chat.policy.versions import coming_version, current_version, get_version, list_headers

bp = Blueprint("policy_versions", __name__, url_prefix="/privacy/versions")


@bp.get("")
@public
def listing() -> ResponseReturnValue:
    now = clock.now()
    return render_template(
        "policy/versions.html", versions=list_headers(), current=current_version(now), coming=coming_version(now), now=now
    )


@bp.get("/<int:number>")
@public
def show(number: int) -> ResponseReturnValue:
    version = get_version(number)
    return render_template(
        "policy/version.html", version=version, parts=readable(version.document), current=current_version(clock.now())
    )


@bp.get("/<int:number>/changes")
@public
def changes(number: int) -> ResponseReturnValue:
    version = get_version(number)
    now = clock.now()
    # Compared with what is in force while it is announced, as that is what changes for people; later with the one before.
    current = current_version(now)
    before = None if current is None or number == 1 else (current.number if version.in_force_at > now else number - 1)
    parts = difference(get_version(before).document, version.document) if before else []
    return render_template("policy/changes.html", version=version, before=before, parts=parts, now=now)
