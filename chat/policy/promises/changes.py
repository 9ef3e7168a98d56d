"""People, changes, places."""

from flask_babel import gettext as _

from chat.policy.checks import changes, telling
from chat.policy.promise import Promise, Section

PROMISES = (
    Promise(
        id="age-minimum",
        wording=lambda profile: _(
            "This site is not for people under %(age)d. You confirm that when you register; no birth date is asked or stored.",
            age=profile.law.minimum_age,
        ),
        applies=lambda profile: profile.law.minimum_age > 0,
        absent="This site's profile sets no minimum age.",
        check=changes.age_minimum,
    ),
    Promise(
        id="change-notice",
        wording=lambda profile: _(
            "A change of this policy that matters is announced by e-mail %(days)d days before it takes effect.",
            days=profile.notices.material_change_days,
        ),
        check=telling.change_notice,
        mail=True,
        travels=True,
    ),
    Promise(
        id="transfer-regions",
        wording=lambda profile: _(
            "Your data may be processed in: %(regions)s. Each model says where it runs, and you can exclude regions.",
            regions=", ".join(profile.law.regions),
        ),
        check=changes.transfer_regions,
    ),
    Promise(
        id="business-transfer",
        wording=lambda _profile: _("Before this site is sold or merged you are told, and can delete everything first."),
        check=telling.business_transfer,
        mail=True,
    ),
    Promise(
        id="org-admin",
        wording=lambda _profile: _("Whoever administers an organization sees how much its members use, never what they write."),
        applies=lambda profile: profile.features.offers("organizations"),
        absent="There are no organizations at this site.",
    ),
)
SECTION = Section(name="changes", title="Age, places, and changes of this policy", promises=PROMISES)
