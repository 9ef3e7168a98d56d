"""Data rights: what a person may do with what is held about them. It reads declarations and names no table of a feature."""

from chat.kernel.feature import Feature

FEATURE = Feature(name="datarights")
