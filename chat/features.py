"""The map of the product: each feature, in mounting order."""

from chat.accounts.feature import FEATURE as ACCOUNTS
from chat.analytics.feature import FEATURE as ANALYTICS
from chat.announcements.feature import FEATURE as ANNOUNCEMENTS
from chat.consent.feature import FEATURE as CONSENT
from chat.conversations.feature import FEATURE as CONVERSATIONS
from chat.datarights.feature import FEATURE as DATARIGHTS
from chat.diagnostics.feature import FEATURE as DIAGNOSTICS
from chat.gateway.feature import FEATURE as GATEWAY
from chat.improvement.feature import FEATURE as IMPROVEMENT
from chat.inference.feature import FEATURE as INFERENCE
from chat.jobs.feature import FEATURE as JOBS
from chat.kernel.feature import Feature
from chat.metering.feature import FEATURE as METERING
from chat.policy.feature import FEATURE as POLICY
from chat.providers.feature import FEATURE as PROVIDERS
from chat.requests.feature import FEATURE as REQUESTS
from chat.retention.feature import FEATURE as RETENTION

FEATURES: tuple[Feature, ...] = (
    ACCOUNTS,
    PROVIDERS,
    CONSENT,
    METERING,
    DIAGNOSTICS,
    ANALYTICS,
    INFERENCE,
    CONVERSATIONS,
    GATEWAY,
    REQUESTS,
    IMPROVEMENT,
    RETENTION,
    DATARIGHTS,
    POLICY,
    ANNOUNCEMENTS,
    JOBS,
)
