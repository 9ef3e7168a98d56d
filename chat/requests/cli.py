"""`flask requests`: what people ask of the operator. Reading one is recorded, and the person sees that it was read."""

import sys
from collections.abc import Iterator
from typing import Any

import click
from flask_babel import gettext as _

from chat.accounts.mail import post
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.errors import Problem
from chat.kernel.site import current_site
from chat.requests import answering
from chat.requests.answering import Opened
from chat.requests.models import PersonRequest


@click.group("requests")
def requests() -> None:
    """What people ask of you, and by when."""


@requests.command("list")
@click.option("--all", "answered", is_flag=True, help="Also those that are answered.")
def list_requests(*, answered: bool) -> None:
    """Show the open requests, what is due first on top. No words of them."""
    rows, now = answering.list_requests(answered=answered), clock.now()
    for row in rows:
        who = "guest" if row.account_id is None else "account"
        state = "answered" if row.answered_at else "OVERDUE" if row.due_at < now else "open"
        click.echo(f"{row.public_id}  {row.kind:<12} {who:<8} due {row.due_at:%Y-%m-%d %H:%M}  {state}")
    click.echo(f"{len(rows)} requests.")


@requests.command()
@click.argument("reference")
def show(reference: str) -> None:
    """Read one request. This is recorded, and shown to whoever wrote it."""
    try:
        opened = answering.read(reference, current_site(), clock.now())
    except Problem as problem:
        raise click.ClickException(problem.message) from None
    db.session.commit()  # before a word is shown
    for line in _lines(opened):
        click.echo(_harmless(line))


@requests.command()
@click.argument("reference")
@click.option("--text-stdin", is_flag=True, required=True, help="Read the answer from standard input.")
def answer(reference: str, *, text_stdin: bool) -> None:  # noqa: ARG001  # the option itself is the statement
    """Answer one request, by mail and on the person's page."""
    try:
        opened = answering.answer(reference, sys.stdin.read(), current_site(), clock.now())
    except Problem as problem:
        raise click.ClickException(problem.message) from None
    if opened.address:
        subject = _("Your request %(reference)s", reference=opened.row.public_id)
        post(opened.address, subject, opened.answer, account_id=opened.row.account_id)
    db.session.commit()
    click.echo("Answered 1 request.")


def _lines(opened: Opened) -> Iterator[str]:
    row: PersonRequest = opened.row
    yield f"{row.public_id}  {row.kind}, received {row.received_at:%Y-%m-%d %H:%M}, due {row.due_at:%Y-%m-%d %H:%M}"
    yield f"From: {opened.address or 'a guest who left no address'}"
    yield ""
    yield opened.words.text
    if opened.words.exchange:
        yield from _exchange(opened.words.exchange)
    if opened.answer:
        yield f"\n--- answered {row.answered_at:%Y-%m-%d %H:%M}\n{opened.answer}"


def _exchange(exchange: dict[str, Any]) -> Iterator[str]:
    yield f"\n--- attached: an answer that failed with {exchange.get('code')}, of {exchange.get('model')}"
    if exchange["system"]:
        yield f"[instructions] {exchange['system']}"
    for message in exchange["messages"]:
        for part in message["parts"]:
            yield f"[{message['role']}] {part.get('text') or 'a picture'}"
    for name in ("reasoning", "text"):
        if exchange[name]:
            yield f"[{name} that came] {exchange[name]}"
    yield f"[parameters] {exchange['parameters']}"


def _harmless(text: str) -> str:
    """Return the text without what a terminal would obey."""
    return "".join(one if one.isprintable() or one in "\n\t" else "�" for one in text)
