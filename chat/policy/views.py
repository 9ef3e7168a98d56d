"""The privacy policy as a page."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from chat.kernel.access import public
from chat.kernel.personal_data import current_stores
from chat.kernel.site import current_site
from chat.policy.page import address_sentence, holdings, purposes
from chat.providers.current import current_catalogue

bp = Blueprint("policy", __name__)


@bp.get("/privacy")
@public
def privacy() -> ResponseReturnValue:
    profile = current_site().profile
    return render_template(
        "policy/privacy.html",
        profile=profile,
        holdings=holdings(current_stores(), profile),
        purposes=purposes(profile),
        address=address_sentence(profile),
        models=current_catalogue().list_models(),
    )
