"""Every promise, section by section, in the order of the policy."""

from chat.policy.promise import Promise, Section
from chat.policy.promises import capabilities, changes, collect, cookies, retention, rights, security, sharing, storage

SECTIONS: tuple[Section, ...] = (
    storage.SECTION,
    collect.SECTION,
    sharing.SECTION,
    retention.SECTION,
    rights.SECTION,
    cookies.SECTION,
    security.SECTION,
    changes.SECTION,
    capabilities.SECTION,
)
PROMISES: tuple[Promise, ...] = tuple(promise for section in SECTIONS for promise in section.promises)
