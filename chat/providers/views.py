"""Where messages go: each model that is offered, and what its provider does with what it is sent."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from chat.kernel.access import public
from chat.providers.current import current_catalogue

bp = Blueprint("providers", __name__)


@bp.get("/providers")
@public
def listing() -> ResponseReturnValue:
    return render_template("providers/listing.html", models=current_catalogue().list_models())
