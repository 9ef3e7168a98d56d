"""Settings → Your data: what is held, counted now; and the copy of it, streamed while it is made."""

import logging
from collections.abc import Iterator

from flask import Blueprint, Response, flash, redirect, render_template, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from chat.accounts import freezing
from chat.accounts.audit import list_about
from chat.accounts.sessions import get_current_account
from chat.consent import ledger
from chat.consent.purposes import Purpose
from chat.datarights.export import Copy, prepare
from chat.datarights.overview import list_held
from chat.datarights.present import act_views, held_view, sum_view
from chat.kernel import clock
from chat.kernel.access import even_frozen, signed_in, sudo
from chat.kernel.db import db
from chat.kernel.feature import current_exporters
from chat.kernel.personal_data import current_stores
from chat.kernel.site import current_site

bp = Blueprint("your_data", __name__, url_prefix="/settings/data")
log = logging.getLogger("chat.export")

# A copy is work: this is more than anybody needs, and less than what would keep a worker busy.
_COPIES = "10/hour"


@bp.get("")
@signed_in
def show() -> ResponseReturnValue:
    account, profile = get_current_account(), current_site().profile
    everything = list_held(account.id, current_stores(), profile)
    agreed = {purpose for purpose in Purpose if ledger.allows(account, purpose)}
    return render_template(
        "datarights/data.html",
        total=sum_view(everything),
        held=[held_view(one, profile, agreed) for one in everything if one.count],
        empty=[held_view(one, profile) for one in everything if not one.count],
        acts=act_views(list_about(account)),
        frozen_at=account.frozen_at,
    )


@bp.post("/freeze")
@signed_in
@even_frozen
def freeze() -> ResponseReturnValue:
    freezing.freeze(get_current_account(), clock.now())
    db.session.commit()
    flash(_("Frozen. What is here is kept, and used for nothing."), "success")
    return redirect(url_for("your_data.show"), 303)


@bp.post("/thaw")
@signed_in
@even_frozen
def thaw() -> ResponseReturnValue:
    freezing.thaw(get_current_account())
    db.session.commit()
    flash(_("The freeze is off. Everything works as before."), "success")
    return redirect(url_for("your_data.show"), 303)


@bp.get("/export")
@sudo
def export() -> ResponseReturnValue:
    account, profile = get_current_account(), current_site().profile
    everything = list_held(account.id, current_stores(), profile)
    return render_template("datarights/export.html", total=sum_view(everything))


@bp.post("/export")
@sudo
@even_frozen
def download() -> ResponseReturnValue:
    account, site, now = get_current_account(), current_site(), clock.now()
    site.limits.hit(_COPIES, "export", account.public_id)
    copy = prepare(account, site.keyring, site.profile, stores=current_stores(), exporters=current_exporters(), now=now)
    response = Response(stream_with_context(_streamed(copy)), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="your-data-{now:%Y-%m-%d}.zip"'
    # A proxy that waits for the whole of it would keep it on its disk.
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _streamed(copy: Copy) -> Iterator[bytes]:
    began = clock.monotonic()
    try:
        yield from copy.stream()
    except Exception:
        # Raised on, so that the server breaks the connection off: what arrived must not look like a whole copy.
        log.exception("a copy of somebody's data broke off")
        raise
    spent = round((clock.monotonic() - began) * 1000, 1)
    log.info("a copy of somebody's data was made", extra={"count": copy.tally.files, "ms": spent})
