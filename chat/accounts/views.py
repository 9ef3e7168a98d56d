"""The settings that belong to the account: what it is called, and where it is signed in."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from chat.accounts import devices
from chat.accounts.details import fields_to_show, read_details, write_details
from chat.accounts.forms import ProfileForm
from chat.accounts.freezing import check_in_use
from chat.accounts.security import current_device
from chat.accounts.sessions import current_account, get_current_account
from chat.kernel import clock
from chat.kernel.access import Audience, WhenFrozen, audience_of, even_frozen, not_frozen, signed_in, when_frozen
from chat.kernel.db import db
from chat.kernel.site import current_site

bp = Blueprint("accounts", __name__, url_prefix="/settings")
_OTHERWISE = {WhenFrozen.GOES_ON, WhenFrozen.ANSWERED}


@bp.before_app_request
def refuse_what_is_frozen() -> None:
    """Raise Frozen where a frozen account asks for an act that uses or changes what is kept, or that does not say."""
    if request.method != "POST":
        return
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or when_frozen(view) in _OTHERWISE or audience_of(view) is Audience.API_KEY:
        return  # the key's own guard knows its account; a program has no session to look for
    account = current_account()
    if account is not None:
        check_in_use(account.id)


@bp.route("/profile", methods=["GET", "POST"])
@signed_in
@not_frozen
def profile() -> ResponseReturnValue:
    account = get_current_account()
    told = read_details(account)
    fields = fields_to_show(told, current_site().profile.collect.profile_fields)
    form = ProfileForm(fields, data={"display_name": account.display_name} | {name.value: told[name] for name in told})
    if form.validate_on_submit():
        account.display_name = form.display_name.data
        write_details(account, form.details, clock.now())
        db.session.commit()
        flash(_("Your profile is saved."), "success")
        return redirect(url_for("accounts.profile"))
    return render_template("accounts/profile.html", form=form, account=account)


@bp.get("/security")
@signed_in
def security() -> ResponseReturnValue:
    found = devices.list_devices(get_current_account(), clock.now())
    countries = get_locale().territories
    return render_template("accounts/security.html", devices=found, this_device=current_device(), countries=countries)


@bp.post("/security/devices/<public_id>/end")
@signed_in
@even_frozen
def end_device(public_id: str) -> ResponseReturnValue:
    devices.revoke(get_current_account(), public_id)
    db.session.commit()
    flash(_("That device is signed out."), "success")
    return redirect(url_for("accounts.security"))


@bp.post("/security/devices/end-others")
@signed_in
@even_frozen
def end_other_devices() -> ResponseReturnValue:
    devices.revoke_all(get_current_account(), but=current_device())
    db.session.commit()
    flash(_("All other devices are signed out."), "success")
    return redirect(url_for("accounts.security"))
