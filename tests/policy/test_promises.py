"""The promises as a list: complete, each once, in words, and none called kept that nothing checks."""

from flask import Flask

from chat.kernel.profile import PROFILES, load_profile
from chat.kernel.site import current_site
from chat.policy.document import policy_document, policy_hash
from chat.policy.promises.every import PROMISES

IDS = [
    "collect-account",
    "collect-billing",
    "collect-usage",
    "collect-technical",
    "collect-support",
    "collect-content",
    "collect-warn",
    "store-default",
    "store-optin",
    "improve-optin",
    "debug-optin",
    "no-training",
    "consent-record",
    "consent-withdraw",
    "consent-separate",
    "share-providers",
    "share-minimal",
    "share-list",
    "share-idp",
    "share-law",
    "share-controller",
    "keep-account",
    "keep-history",
    "keep-logs",
    "keep-sessions",
    "keep-billing",
    "keep-deleted",
    "right-access",
    "right-correct",
    "right-delete",
    "right-export",
    "right-restrict",
    "right-object",
    "right-complain",
    "right-optout-mail",
    "right-everywhere",
    "right-gpc",
    "cookie-essential",
    "cookie-session",
    "cookie-choice",
    "sec-transit",
    "sec-rest",
    "sec-keys",
    "sec-passwords",
    "sec-internal",
    "sec-abuse",
    "sec-report",
    "sec-review",
    "age-minimum",
    "change-notice",
    "transfer-regions",
    "business-transfer",
    "org-admin",
    "cap-chat",
    "cap-api",
    "cap-credits",
    "cap-pay",
    "cap-signin",
    "cap-builder",
    "cap-support",
]


def test_every_promise_is_there_exactly_once() -> None:
    assert sorted(one.id for one in PROMISES) == sorted(IDS)


def test_each_is_said_in_words_for_every_profile(app: Flask) -> None:
    profiles = [load_profile(path.stem) for path in PROFILES.glob("*.toml")]

    words = [promise.wording(profile) for profile in profiles for promise in PROMISES]

    assert all(len(one) > 20 and one.endswith(".") and "%(" not in one for one in words)


def test_what_nothing_checks_is_not_offered(app: Flask) -> None:
    profile = current_site().profile

    assert not [one.id for one in PROMISES if one.check is None and one.is_offered(profile)]
    assert all(one.why_not(profile) for one in PROMISES if not one.is_offered(profile))


def test_the_hash_follows_words_and_values_and_nothing_else(app: Flask) -> None:
    profile = current_site().profile
    longer = profile.model_copy(update={"retention": profile.retention.model_copy(update={"request_logs": 31})})

    first, same, other = (policy_hash(policy_document(one, (), ())) for one in (profile, profile.model_copy(), longer))

    assert first == same
    assert first != other
