"""The running site's catalogue of models."""

import click
from flask import Flask, current_app

from chat.kernel.site import current_site
from chat.providers.catalogue import Catalogue
from chat.providers.engine import Engine
from chat.providers.projector import tell_projector
from chat.providers.weights import fetch_weights

_EXTENSION = "candor_catalogue"


def mount_catalogue(app: Flask) -> None:
    """Read the profile's models once; which of them are offered does not change while the process runs."""
    with app.app_context():
        site = current_site()
        app.extensions[_EXTENSION] = Catalogue(site.profile, site.settings)


def current_catalogue() -> Catalogue:
    """Return the catalogue of the running application."""
    catalogue: Catalogue = current_app.extensions[_EXTENSION]
    return catalogue


def engine_state() -> tuple[str, bool]:
    """Return how the embedded engine is. One that waits to be asked, or is switched off, is as it should be."""
    embedded = current_catalogue().embedded
    if embedded is None:
        return "off", True
    if not embedded.is_there:
        return "model missing", False
    engine = Engine(current_site().settings.chat_instance, embedded, context=0)
    state = engine.find()
    if state is not None and state.projector and not state.sees_images:
        return "running, and its projector does not fit", True
    return ("idle" if state is None else "running"), True


def get_ready(app: Flask) -> None:
    """Begin to ask the SDKs, and see to it that the embedded model's weights are there before the first visitor comes.

    Without the weights the site still runs.
    """
    with app.app_context():
        catalogue = current_catalogue()
    catalogue.letterheads.prepare()
    embedded = catalogue.embedded
    if embedded is not None:
        fetch_weights(embedded, click.echo)
        tell_projector(embedded.projector, click.echo)
