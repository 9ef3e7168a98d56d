"""A feature's manifest: what it adds to the product. `chat/features.py` lists them; the factory mounts them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import click
from flask import Blueprint, Flask, current_app

from chat.kernel.export import Exporter
from chat.kernel.personal_data import Store


@dataclass(frozen=True, kw_only=True)
class Job:
    """Something done again and again. It takes no argument, commits its own work and returns how many things it did."""

    name: str
    run: Callable[[], int]
    every: timedelta
    # How long a new site waits before the first run. Nothing that costs much belongs into its first minutes.
    after: timedelta = timedelta()


@dataclass(frozen=True, kw_only=True)
class Check:
    """A part that must work for the site to work. It returns its state in a word, and whether that will do."""

    name: str
    run: Callable[[], tuple[str, bool]]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A number about the site as it is now, the same whichever process is asked. For monitors: no person is in it."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MenuItem:
    """An entry of the settings menu. A label marked for translation with `lazy_gettext`."""

    label: str
    endpoint: str
    consent: str | None = None  # shown only where the site asks for this consent


@dataclass(frozen=True, kw_only=True)
class Feature:
    name: str
    blueprints: tuple[Blueprint, ...] = ()
    programs: tuple[Blueprint, ...] = ()  # blueprints for programs with keys: no session, no form, so no token against forgery
    stores: tuple[Store, ...] = ()
    jobs: tuple[Job, ...] = ()
    checks: tuple[Check, ...] = ()
    readings: Callable[[], Iterable[Reading]] | None = None
    commands: tuple[click.Group, ...] = ()
    exporters: tuple[Exporter, ...] = ()  # files for a person's copy of their data, beside the tables' own
    menu: tuple[MenuItem, ...] = ()
    init: Callable[[Flask], None] | None = None  # for libraries that want the app
    start: Callable[[Flask], None] | None = None  # once in each process that serves, before the first request


_EXTENSION = "candor_features"


def mount_features(app: Flask, features: tuple[Feature, ...]) -> None:
    """Tell the application what it is made of."""
    app.extensions[_EXTENSION] = features


def current_jobs() -> tuple[Job, ...]:
    """Return every job of the running application."""
    return tuple(job for feature in _current() for job in feature.jobs)


def current_checks() -> tuple[Check, ...]:
    """Return what `/readyz` asks of the running application."""
    return tuple(check for feature in _current() for check in feature.checks)


def current_readings() -> list[Reading]:
    """Return what `/metrics` adds to what this process has counted."""
    return [reading for feature in _current() if feature.readings for reading in feature.readings()]


def current_exporters() -> tuple[Exporter, ...]:
    """Return what the features of the running application add to a person's copy of their data."""
    return tuple(exporter for feature in _current() for exporter in feature.exporters)


def _current() -> tuple[Feature, ...]:
    features: tuple[Feature, ...] = current_app.extensions[_EXTENSION]
    return features
