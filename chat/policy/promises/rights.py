"""What you can do: all of it free, by yourself, at once."""

from flask_babel import gettext as _

from chat.kernel.profile import Profile
from chat.policy.checks import consents, deletion, own_data, rights, telling
from chat.policy.promise import Promise, Section


def _complain(profile: Profile) -> str:
    if profile.law.authority:
        return _(
            "This page names who answers for the site, and the authority you may complain to: %(authority)s.",
            authority=profile.law.authority.name,
        )
    return _("This page names who answers for the site. You may also complain to the data protection authority where you live.")


PROMISES = (
    Promise(
        id="right-access",
        wording=lambda _profile: _("You can see everything that is held about you, with its purpose and its end, on one page."),
        check=own_data.access,
    ),
    Promise(
        id="right-correct",
        wording=lambda _profile: _("You can correct what is held about you."),
        check=own_data.correct,
    ),
    Promise(
        id="right-delete",
        wording=lambda _profile: _(
            "You can delete one message, one conversation, everything, or your account, and get a receipt for it."
        ),
        check=deletion.delete,
    ),
    Promise(
        id="right-export",
        wording=lambda _profile: _("You can take everything with you, in files that people and programs can read."),
        check=own_data.export,
    ),
    Promise(
        id="right-restrict",
        wording=lambda _profile: _("You can freeze your account: everything is kept, and nothing is done with it."),
        check=own_data.restrict,
    ),
    Promise(
        id="right-object",
        wording=lambda _profile: _("You can object to everything that is not needed to give you the service."),
        check=consents.objection,
    ),
    Promise(id="right-complain", wording=_complain, check=rights.complain),
    Promise(
        id="right-optout-mail",
        wording=lambda _profile: _("You get no mail that you did not ask for, and can end what you asked for with one press."),
        applies=lambda profile: "product_updates" in profile.consents.offered,
        absent="This site sends no mail but what an account needs.",
        check=telling.optout_mail,
        mail=True,
    ),
    Promise(
        id="right-everywhere",
        wording=lambda _profile: _("These rights are the same wherever you live."),
        check=rights.everywhere,
    ),
    Promise(
        id="right-gpc",
        wording=lambda _profile: _("If your browser sends the Global Privacy Control signal, it counts as your objection."),
        check=consents.signal,
    ),
)
SECTION = Section(name="rights", title="What you can do", promises=PROMISES)
