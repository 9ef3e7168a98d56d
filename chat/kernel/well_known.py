"""What programs look for at fixed addresses (RFC 8615) and no feature owns: the keys that check this site's documents."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from chat.kernel.access import public
from chat.kernel.site import current_site

bp = Blueprint("well_known", __name__, url_prefix="/.well-known")


@bp.get("/candor-keys.json")
@public
def keys() -> ResponseReturnValue:
    return jsonify(algorithm="Ed25519", keys=current_site().signing.public())
