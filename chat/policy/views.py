"""The privacy policy, for people as a page and for programs as JSON: its words, its values, and how each promise was found."""

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from chat.kernel import clock
from chat.kernel.access import public
from chat.kernel.cookies import cookies_of
from chat.kernel.personal_data import current_stores
from chat.kernel.site import current_site
from chat.policy import reports
from chat.policy.document import policy_hash, with_findings
from chat.policy.oldest import oldest_by_title
from chat.policy.page import absent_view, address_sentence, holdings, purposes, sections_view, summary
from chat.policy.promises.every import SECTIONS
from chat.policy.publishing import live_policy
from chat.policy.readable import readable
from chat.policy.versions import current_version, get_version
from chat.providers.current import current_catalogue

bp = Blueprint("policy", __name__)


@bp.get("/privacy")
@public
def privacy() -> ResponseReturnValue:
    profile, models = current_site().profile, current_catalogue().list_models()
    live, published = live_policy(current_site()), current_version(clock.now())
    if published is not None and published.hash != live.hash:
        # What was published is what is promised, whatever the site was told to do since.
        version = get_version(published.number)
        return render_template("policy/version.html", version=version, parts=readable(version.document), current=published)
    sections = sections_view(SECTIONS, profile, reports.latest())
    return render_template(
        "policy/privacy.html",
        profile=profile,
        sections=sections,
        summary=summary(sections),
        absent=absent_view(SECTIONS, profile),
        holdings=holdings(current_stores(), profile),
        oldest=oldest_by_title(current_stores(), profile, clock.now()),
        purposes=purposes(profile),
        address=address_sentence(profile),
        cookies=cookies_of(profile),
        models=models,
        version=live.hash,
        published=published,
    )


@bp.get("/privacy.json")
@public
def document() -> ResponseReturnValue:
    site = current_site()
    published = current_version(clock.now())
    stated = get_version(published.number).document if published else live_policy(site).document
    return jsonify(version=policy_hash(stated), **with_findings(stated, site.profile, reports.latest()))
