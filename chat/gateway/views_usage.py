"""Settings → Usage: what was used by day, key and model, and the log of single requests. Counts and names, never words."""

import csv
from datetime import UTC, datetime, time, timedelta
from io import StringIO

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from chat.accounts.sessions import get_current_account
from chat.billing.money import write_dollars
from chat.gateway import keys
from chat.gateway.present_usage import call_view, charts, key_names, name_of, row_of, rows_by, rows_by_day, sum_of
from chat.kernel import clock
from chat.kernel.access import signed_in
from chat.kernel.site import current_site
from chat.metering.usage import Line, list_calls, list_lines

bp = Blueprint("usage", __name__, url_prefix="/settings/usage")

SPANS = (7, 30, 90, 365)
_PAGE = 50
_LAST_PAGE = 10_000
_COLUMNS = ("day", "key", "key_name", "model", "requests", "estimated", "input_tokens", "output_tokens", "cost_dollars")


@bp.get("")
@signed_in
def show() -> ResponseReturnValue:
    days, names, lines = _days(), key_names(keys.list_keys(get_current_account())), _lines()
    return render_template(
        "gateway/usage.html",
        days=days,
        spans=SPANS,
        total=row_of("", sum_of(lines)),
        charts=charts(lines, clock.now().date(), days),
        by_key=rows_by(lines, lambda line: name_of(line.key, names)),
        by_model=rows_by(lines, lambda line: line.model),
        by_day=rows_by_day(lines),
        retention=current_site().profile.retention,
    )


@bp.get("/log")
@signed_in
def log() -> ResponseReturnValue:
    account = get_current_account()
    page = min(max(request.args.get("page", 1, type=int), 1), _LAST_PAGE)
    calls, has_more = list_calls(account.id, page, _PAGE)
    names = key_names(keys.list_keys(account))
    return render_template(
        "gateway/log.html",
        calls=[call_view(one, names) for one in calls],
        page=page,
        has_more=has_more,
        kept_days=current_site().profile.retention.request_logs,
    )


@bp.get("/download")
@signed_in
def download() -> ResponseReturnValue:
    names, text = key_names(keys.list_keys(get_current_account())), StringIO()
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    for line in _lines():
        counts = (line.calls, line.estimated, line.input_tokens, line.output_tokens, write_dollars(line.cost))
        rows.writerow((line.day, line.key or "", _plain(name_of(line.key, names)), line.model, *counts))
    response = Response(text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="usage-{clock.now():%Y-%m-%d}.csv"'
    return response


def _days() -> int:
    asked = request.args.get("days", 30, type=int)
    return asked if asked in SPANS else 30


def _lines() -> list[Line]:
    first = clock.now().date() - timedelta(days=_days() - 1)
    return list_lines(get_current_account().id, datetime.combine(first, time(), UTC))


def _plain(name: str) -> str:
    """Return a name that a spreadsheet takes for words: one that began like a formula would be computed."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
