"""`/metrics`, for a monitor on this machine."""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from prometheus_client import CONTENT_TYPE_LATEST

from chat.kernel.access import public
from chat.kernel.errors import NotFound
from chat.kernel.feature import current_readings
from chat.kernel.network import is_loopback
from chat.metering.metrics import exposition

bp = Blueprint("metering", __name__)


@bp.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    # No person is in the numbers, but how much a site is used is its operator's business.
    if not is_loopback():
        raise NotFound(_("There is nothing at this address, or it is not yours."))
    return Response(exposition(current_readings()), content_type=CONTENT_TYPE_LATEST)
