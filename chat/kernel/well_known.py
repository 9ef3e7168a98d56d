"""What programs look for at fixed addresses (RFC 8615) and no feature owns."""

from datetime import timedelta

from flask import Blueprint, Response, jsonify, url_for
from flask.typing import ResponseReturnValue

from chat.kernel import clock
from chat.kernel.access import public
from chat.kernel.errors import NotFound
from chat.kernel.site import current_site

# RFC 9116 wants the date less than a year away; whoever reads it later must look again.
_GOOD_FOR = timedelta(days=180)

bp = Blueprint("well_known", __name__)


@bp.get("/.well-known/candor-keys.json")
@public
def keys() -> ResponseReturnValue:
    return jsonify(algorithm="Ed25519", keys=current_site().signing.public())


@bp.get("/.well-known/gpc.json")
@public
def global_privacy_control() -> ResponseReturnValue:
    """Say that the site abides by Global Privacy Control (https://w3c.github.io/gpc/), and since when it says so."""
    return jsonify(gpc=True, lastUpdate=current_site().profile.site.policy_date.isoformat())


@bp.get("/.well-known/security.txt")
@public
def security() -> ResponseReturnValue:
    """Say where weaknesses are reported (RFC 9116)."""
    site = current_site()
    contact = site.profile.site.security_contact
    if not contact:
        raise NotFound("This site names nobody to report weaknesses to.")
    expires = (clock.now() + _GOOD_FOR).replace(hour=0, minute=0, second=0, microsecond=0)
    fields = {
        "Contact": contact if ":" in contact else f"mailto:{contact}",
        "Expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Preferred-Languages": site.profile.site.language,
    }
    if site.settings.chat_public_url:
        fields["Canonical"] = site.settings.chat_public_url + url_for("well_known.security")
    return Response("".join(f"{name}: {value}\n" for name, value in fields.items()), mimetype="text/plain")
