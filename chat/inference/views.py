"""Settings → Models: which of the site's models may be asked for a person at all."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from chat.accounts.sessions import get_current_account
from chat.inference import demands
from chat.inference.forms import DemandsForm
from chat.kernel.access import not_frozen, signed_in
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.providers.current import current_catalogue

bp = Blueprint("demands", __name__, url_prefix="/settings/models")


@bp.get("")
@signed_in
def show() -> ResponseReturnValue:
    return _page(_form())


@bp.post("")
@signed_in
@not_frozen
def choose() -> ResponseReturnValue:
    account, models, form = get_current_account(), current_catalogue().list_models(), _form()
    if not form.validate_on_submit():
        return _page(form), 400
    ticked = form.regions.data or []
    everywhere = len(ticked) == len(form.regions.choices or ())
    try:
        demands.choose(account, zero_retention=form.zero_retention.data, regions=None if everywhere else ticked, models=models)
    except Problem as problem:
        form.form_errors.append(problem.message)
        return _page(form), problem.status
    db.session.commit()
    flash(_("Chosen. It holds in the chat from now on, and for your API keys within a second."), "success")
    return redirect(url_for("demands.show"), 303)


def _form() -> DemandsForm:
    """Return the form as it was posted, or as the person chose before."""
    wanted = demands.demands_of_account(get_current_account().id)
    regions = demands.list_regions(current_catalogue().list_models(), wanted)
    kept = {one.casefold() for one in (regions if wanted.regions is None else wanted.regions)}
    form = DemandsForm(
        data={
            "regions": [one for one in regions if one.casefold() in kept],
            "zero_retention": wanted.most_retention_days == 0,
        }
    )
    form.offer(regions)
    return form


def _page(form: DemandsForm) -> str:
    """Return the page; its list shows what holds now, also below a choice that was refused."""
    wanted = demands.demands_of_account(get_current_account().id)
    models = [(one, wanted.why_not(one.policy)) for one in current_catalogue().list_models()]
    return render_template("inference/models.html", form=form, models=models)
