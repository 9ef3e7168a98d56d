"""The map of the product: each feature, in mounting order."""

from chat.kernel.feature import Feature

FEATURES: tuple[Feature, ...] = ()
