"""Searching one's own conversations."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from chat.consent import gate, ledger
from chat.consent.gate import Reader
from chat.consent.ledger import Source
from chat.consent.purposes import Purpose
from chat.conversations import history
from chat.conversations.models import Conversation, StoredTurn
from chat.conversations.search import Found, excerpt, search
from chat.conversations.transcript import Transcript, answer, say
from chat.kernel.db import db
from chat.kernel.site import Site
from chat.providers.base import File, Text
from tests.browser import Browser
from tests.chatting import Chat, turn_history_on
from tests.conftest import Clock
from tests.people import People, sign_in

Find = Callable[[str], list[Found]]


@pytest.fixture
def find(people: People, site: Site, clock: Clock) -> Find:
    def search_hers(query: str) -> list[Found]:
        return search(people.alice, Reader(people.alice, site.keyring), query, clock.now)

    return search_hers


def test_words_are_found_in_titles_and_texts_whatever_their_case(find: Find, people: People, site: Site, clock: Clock) -> None:
    _save(people, site, clock, "Garden plans", "Plant the TULIPS in October")
    _save(people, site, clock, "Something else", "Nothing of the kind")

    titles = {
        query: [one.saved.title for one in find(query)] for query in ("tulips", "garden", "october tulips", "tulips kind")
    }

    assert titles == {
        "tulips": ["Garden plans"],
        "garden": ["Garden plans"],
        "october tulips": ["Garden plans"],
        "tulips kind": [],
    }


@pytest.mark.parametrize("query", ["", "   ", "\x00"])
def test_an_empty_search_finds_nothing(find: Find, people: People, site: Site, clock: Clock, query: str) -> None:
    _save(people, site, clock, "Garden plans", "Tulips")

    assert find(query) == []


def test_newest_come_first_and_fifty_at_most(find: Find, people: People, site: Site, clock: Clock) -> None:
    for number in range(55):
        clock.advance(minutes=1)
        _save(people, site, clock, f"Number {number}", "tulips")

    found = find("tulips")

    assert [one.saved.title for one in found] == [f"Number {number}" for number in range(54, 4, -1)]


def test_what_expired_or_is_another_persons_is_not_found(find: Find, people: People, site: Site, clock: Clock) -> None:
    _save(people, site, clock, "Mine", "tulips")
    bob = Reader(people.bob, site.keyring)

    assert search(people.bob, bob, "tulips", clock.now) == []
    clock.advance(days=90)
    assert find("tulips") == []


def test_a_row_that_does_not_open_is_passed_over(find: Find, people: People, site: Site, clock: Clock) -> None:
    _save(people, site, clock, "Broken", "tulips here")
    _save(people, site, clock, "Whole", "tulips there")
    with db.engine.begin() as connection:
        first = connection.scalar(sa.select(sa.func.min(StoredTurn.id)))
        connection.execute(sa.text("UPDATE turn SET body = :body WHERE id = :id"), {"body": b"x" * 40, "id": first})

    assert [one.saved.title for one in find("tulips")] == ["Whole"]


def test_files_are_not_searched(find: Find, people: People, site: Site, clock: Clock) -> None:
    _save(people, site, clock, "Title", "words", File("a.txt", "text/plain", "tulips"))

    assert find("tulips") == []


def test_an_excerpt_cannot_carry_markup() -> None:
    shown = str(excerpt('<script>x()</script> & <b>tulips</b> "quoted" <mark>', ["tulips", "mark"]))

    assert shown == (
        "&lt;script&gt;x()&lt;/script&gt; &amp; &lt;b&gt;<mark>tulips</mark>&lt;/b&gt; "
        "&quot;quoted&quot; &lt;<mark>mark</mark>&gt;"
    )


@pytest.mark.parametrize("text", ["ß" * 300 + "Tulips", "İ" * 300 + " tulips", "x" * 500 + " Tulips " + "y" * 500])
def test_an_excerpt_is_short_and_stands_around_the_word(text: str) -> None:
    shown = str(excerpt(text, ["tulips"]))

    assert "ulips" in shown
    assert len(shown) < 220


def test_the_page_shows_what_was_found_without_running_it(client: Browser, people: People) -> None:
    turn_history_on(sign_in(client, people.alice))
    Chat(client).send('<img src=x onerror="alert(1)"> tulips')

    response = client.post("/history/search", data={"csrf_token": client.csrf("/"), "query": '"><script>tulips'})
    found = client.post("/history/search", data={"csrf_token": client.csrf("/"), "query": "tulips"}).get_data(as_text=True)

    assert "<script>tulips" not in response.get_data(as_text=True)
    assert "<mark>tulips</mark>" in found
    assert "<img src=x" not in found


def test_one_conversation_is_found_among_many(find: Find, people: People, site: Site, clock: Clock) -> None:
    _save_many(people, site, clock, conversations=100, turns=20, size=2000)

    assert {query: len(find(query)) for query in ("needle", "nothinglikethis", "word7 needle")} == {
        "needle": 1,
        "nothinglikethis": 0,
        "word7 needle": 1,
    }


def _save(people: People, site: Site, clock: Clock, title: str, text: str, *files: File) -> None:
    ledger.give(people.alice, Purpose.HISTORY, Source.SETTINGS, clock.now)
    permit = gate.issue(people.alice, Purpose.HISTORY, site.keyring)
    first = say(None, (Text(text), *files), clock.now)
    transcript = Transcript(turns={first.id: first}, leaf=first.id, model="echo")
    row = history.create(permit, people.alice, transcript, timedelta(days=90), clock.now)
    history.rename(permit, row, title)
    db.session.commit()


def _save_many(people: People, site: Site, clock: Clock, *, conversations: int, turns: int, size: int) -> None:
    ledger.give(people.alice, Purpose.HISTORY, Source.SETTINGS, clock.now)
    permit = gate.issue(people.alice, Purpose.HISTORY, site.keyring)
    words = " ".join(f"Word{number}" for number in range(size))[:size]
    for number in range(conversations):
        said, parent = {}, None
        for place in range(turns):
            text = f"{words} needle" if (number, place) == (conversations // 2, turns - 1) else words
            turn = answer(parent, "echo", clock.now) if parent and place % 2 else say(parent, (), clock.now)
            turn = type(turn)(turn.id, turn.parent, turn.role, (Text(text),), turn.written_at, model=turn.model)
            said[turn.id], parent = turn, turn.id
        history.create(permit, people.alice, Transcript(turns=said, leaf=parent, model="echo"), timedelta(days=90), clock.now)
    db.session.commit()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Conversation)) == conversations
    db.session.rollback()
