"""After an account is erased, no byte that the running system wrote leads to its person."""

import secrets
import subprocess
import sys

import pytest

from chat.kernel.settings import ROOT
from chat.policy.sweep import Canary
from tests.browser import Page, form_data
from tests.people import PASSWORD
from tests.servers import Server
from tests.sweep.conftest import Swept
from tests.sweep.visitor import Visitor

pytestmark = pytest.mark.server


def test_an_erased_persons_address_name_and_words_are_in_no_file(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), Visitor(server.url)
    _become(visitor, server, f"{canary}@example.org")
    visitor.keep_history()
    visitor.open()
    visitor.stream(f"{canary} said this", "echo")
    assert visitor.fields["conversation"]

    answer = _erase(visitor, f"{canary}@example.org")

    assert "Your account is erased" in answer
    hits = [str(one) for one in swept(canary)]
    if "DATABASE_URL" in server.environment:
        # Rows that PostgreSQL deleted stay in its files until a vacuum, and in its write-ahead log: docs/deletion.md says so.
        hits = [one for one in hits if "base/" not in one and "pg_wal/" not in one]
    assert not hits
    visitor.close()


def test_what_an_erased_person_wrote_is_in_no_file_of_any_database(server: Server, swept: Swept) -> None:
    canary, visitor = Canary(), Visitor(server.url)
    name = f"person-{secrets.token_hex(4)}"
    visitor.register(name)
    visitor.keep_history()
    visitor.open()
    visitor.stream(f"{canary} said this", "echo", instructions=f"Answer like {canary}")

    _erase(visitor, f"{name}@example.org")

    assert not [str(one) for one in swept(canary)]
    visitor.close()


def _become(visitor: Visitor, server: Server, email: str) -> None:
    """Sign in with a new account of this address, made by command: registering shows its mail on the operator's console."""
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "app.py"), "accounts", "create", email, "--password-stdin"]
    made = subprocess.run(
        command, check=False, env=server.environment, input=PASSWORD, text=True, capture_output=True, cwd=server.folder
    )
    assert made.returncode == 0, made.stderr
    page = Page(visitor.http.get("/login").text)
    visitor.http.post("/login", data=form_data(page.form("/login")) | {"email": email, "password": PASSWORD})
    visitor.open()


def _erase(visitor: Visitor, email: str) -> str:
    page = visitor.http.get("/settings/delete/account")
    if "/verify" in str(page.url):
        again = Page(page.text)
        visitor.http.post("/verify", data=form_data(again.form("/verify")) | {"password": PASSWORD})
        page = visitor.http.get("/settings/delete/account")
    form = form_data(next(one for one in Page(page.text).all("form") if one.is_inside("main")))
    return visitor.http.post("/settings/delete/account", data=form | {"confirmation": email, "when": "now"}).text
