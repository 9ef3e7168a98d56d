"""`flask models`: what is offered, what is not and why, and the embedded model's weights."""

import click

from chat.kernel.profile import load_profile
from chat.kernel.settings import load_settings
from chat.providers.catalogue import Catalogue
from chat.providers.projector import tell_projector
from chat.providers.weights import fetch_weights, find_embedded_model


@click.group()
def models() -> None:
    """See which models are offered, and fetch the embedded one."""


@models.command("list")
def list_() -> None:
    """Print each model with what its provider does with prompts, and each model that is not offered with the reason."""
    settings = load_settings()
    catalogue = Catalogue(load_profile(settings.chat_profile), settings)
    for model in catalogue.list_models():
        click.echo(f"{model.id}  {model.name} ({model.provider_name}): {model.policy.sentence}")
    for missing in catalogue.list_not_offered():
        click.echo(f"{missing.id}  not offered: {missing.why}")
    click.echo(f"{len(catalogue.list_models())} offered, {len(catalogue.list_not_offered())} not offered.")


@models.command()
@click.pass_context
def fetch(context: click.Context) -> None:
    """Fetch the embedded model's weights, unless they are there."""
    model = find_embedded_model(load_settings())
    if model is None:
        click.echo("CHAT_EMBEDDED_MODEL is off: there is nothing to fetch.")
        return
    is_there = fetch_weights(model, click.echo)
    tell_projector(model.projector, click.echo)
    click.echo("1 model is there." if is_there else "0 models are there.")
    context.exit(0 if is_there else 1)
