"""Whether the process lives and whether it can work, for load balancers and monitors. No content, no person."""

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from chat.kernel.access import public
from chat.kernel.db import db
from chat.kernel.feature import current_checks

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@public
def process() -> ResponseReturnValue:
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
@public
def ready() -> ResponseReturnValue:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return jsonify(database="unreachable"), 503
    states = {check.name: check.run() for check in current_checks()}
    words = {name: word for name, (word, _good) in states.items()}
    return jsonify(database="ok", **words), 200 if all(good for _word, good in states.values()) else 503
