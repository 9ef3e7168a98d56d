"""The map of the product: each feature, in mounting order."""

FEATURES = ()
