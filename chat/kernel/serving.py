"""Whether this process answers requests, and what its operator is told when it begins to."""

import os

import click

from chat.kernel.settings import Settings


def is_serving() -> bool:
    """Whether this process is about to answer requests, rather than to run one command."""
    return _flask_run() is not None or "gunicorn" in os.environ.get("SERVER_SOFTWARE", "")


def announce(name: str, settings: Settings) -> None:
    """Tell the operator at a terminal where the site is and what it writes where."""
    run = _flask_run()
    if run is None:
        return
    host, port = run.params.get("host") or "127.0.0.1", run.params.get("port") or 5000
    click.secho(f"{name} is at {settings.chat_public_url or f'http://{host}:{port}'}", bold=True)
    click.echo(f"What it keeps is in {settings.chat_instance}. Stop it with Ctrl+C.")


def _flask_run() -> click.Context | None:
    context = click.get_current_context(silent=True)
    return context if context is not None and context.info_name == "run" else None
