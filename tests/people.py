"""The people of the tests: alice owns things, bob is another customer, charlie a stranger, ada runs the site."""

from functools import cache, cached_property

from flask_security import hash_password

from chat.accounts.models import Account
from chat.accounts.service import create_account
from chat.kernel import clock
from chat.kernel.db import db
from chat.kernel.keyring import Keyring
from tests.browser import Browser

PASSWORD = "a horse reads batteries aloud"


class People:
    """Each person comes into being when a test first names them; ada always before the others, as an operator does."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    @cached_property
    def ada(self) -> Account:
        return self._create("ada", operator=True)

    @cached_property
    def alice(self) -> Account:
        return self._create_after_ada("alice")

    @cached_property
    def bob(self) -> Account:
        return self._create_after_ada("bob")

    @cached_property
    def charlie(self) -> Account:
        return self._create_after_ada("charlie")

    def _create_after_ada(self, name: str) -> Account:
        assert self.ada.is_operator
        return self._create(name)

    def _create(self, name: str, *, operator: bool = False) -> Account:
        account = create_account(
            self._keyring,
            email=f"{name}@example.org",
            display_name=name.title(),
            password_hash=_password_hash(),
            now=clock.now(),
            confirmed=True,
            operator=operator,
        )
        db.session.commit()
        return account


@cache
def _password_hash() -> str:
    hashed: str = hash_password(PASSWORD)
    return hashed


def sign_in(client: Browser, person: Account) -> Browser:
    """Sign `person` in by the page that everybody uses, and return the client."""
    client.submit("/login", {"email": person.email, "password": PASSWORD}, action="/login", follow=False)
    assert client.get_cookie("candor") is not None
    return client
