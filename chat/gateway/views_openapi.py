"""`/v1/openapi.json`, for anybody: what the API takes and answers is no secret, and a program reads it before it has a key."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from chat.gateway.openapi import describe
from chat.kernel.access import public
from chat.kernel.site import current_site

bp = Blueprint("gateway_description", __name__, url_prefix="/v1")


@bp.get("/openapi.json")
@public
def description() -> ResponseReturnValue:
    site = current_site()
    return jsonify(describe(site.profile.site.name, site.settings.chat_public_url or "/"))
