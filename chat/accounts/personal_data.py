"""What the account tables hold about people, and for how long."""

from chat.accounts.devices import REMEMBERED
from chat.accounts.models import Account, AuditEntry, Device, Mailing, OutgoingMail, ProfileDetail
from chat.accounts.outbox import LONGEST_WAIT_IN_ALL
from chat.kernel.personal_data import Basis, Store

STORES = (
    Store(
        model=Account,
        title="Account",
        holds="your e-mail address, the name you chose, your password as an argon2id hash, and when the account was made",
        why="to let you sign in; it lives as long as the account",
        basis=Basis.CONTRACT,
        owner=Account.id,
        part_of_account=True,
        born=Account.created_at,
        exported=(
            "public_id", "email", "display_name", "active", "is_operator", "confirmed_at", "created_at", "frozen_at",
            "closing_at",
        ),
        withheld=("id", "password", "fs_uniquifier"),
    ),
    Store(
        model=ProfileDetail,
        title="Profile details",
        holds="what you chose to write about yourself in your profile, such as a company; nothing unless you filled it in",
        why="because you told us; you can change or empty it at any time, and it goes with the account",
        basis=Basis.CONTRACT,
        owner=ProfileDetail.account_id,
        born=ProfileDetail.written_at,
        exported=("field", "value", "written_at"),
        withheld=("id", "account_id"),
    ),
    Store(
        model=Device,
        title="Signed-in devices",
        holds="where you are signed in: browser and system by name, since when, the day of last use, of your address as "
        "much as this site keeps, and the country it seems to belong to where this site keeps that",
        why="to keep you signed in, and to let you see and end your sign-ins",
        basis=Basis.CONTRACT,
        owner=Device.account_id,
        part_of_account=True,
        born=Device.signed_in_at,
        expires=Device.expires_at,
        keep_for=lambda _profile: REMEMBERED,
        exported=("name", "address", "country", "signed_in_at", "last_used_on", "expires_at"),
        withheld=("id", "public_id", "account_id"),
    ),
    Store(
        model=OutgoingMail,
        title="Mail on its way",
        holds="mail to you that has not been sent yet, encrypted",
        why="to send it; it is deleted once the mail server has taken it",
        basis=Basis.CONTRACT,
        owner=OutgoingMail.account_id,
        born=OutgoingMail.written_at,
        keep_for=lambda _profile: LONGEST_WAIT_IN_ALL,
        exported=("written_at", "due_at", "attempts"),
        withheld=("id", "public_id", "account_id", "mailing_id", "sealed"),
    ),
    Store(
        model=Mailing,
        title="Mailings",
        holds="what the operator wrote to many people at once, and how many got it; not who",
        why="to be able to show what was announced and when, and to write to nobody twice",
        basis=Basis.LEGITIMATE_INTEREST,
        withheld=(
            "id", "public_id", "kind", "subject", "text", "written_at", "reached", "until", "count", "ended_at",
        ),
    ),
    Store(
        model=AuditEntry,
        title="Acts of the operator",
        holds="what an operator of this site did with your data by a command, when, and for which stated reason",
        why="to let you see who reached your data; an act whose reason forbids telling you is recorded but not shown",
        basis=Basis.LEGAL_DUTY,
        owner=AuditEntry.account_id,
        also_names=(AuditEntry.by,),
        shown=AuditEntry.is_withheld.is_(False),
        born=AuditEntry.at,
        stays="An operator must be able to answer for what was done, also after the account it was done to is gone.",
        exported=("at", "act", "by", "reason"),
        withheld=("id", "public_id", "account_id", "is_withheld"),
    ),
)  # fmt: skip
