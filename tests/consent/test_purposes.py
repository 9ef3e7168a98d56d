"""The words that people agree to never change under their receipts."""

import pytest

from chat.consent.purposes import INTERESTS, WORDINGS, Interest, Purpose, find_wording, subject_called, wording_of

# A changed sentence is a new revision: raise it, move the old words to EARLIER, and write the new hash here.
PUBLISHED = {
    "history": (1, "084e09627b91d7bd5c0584c7ad42a7a1a9cb60aeb9344e4d8ec0cae62933e5fa"),
    "improvement": (1, "153394a2169336f822abd246e36ecf7c28e622fe0de696cfe6dc45489c29ce82"),
    "diagnostics": (1, "39eaa649b4265bad66698a5083a7f6f0980a142b1e0b07c48528740585333d0a"),
    "preference_cookies": (1, "af31d14b6652b819552bf0a867ab868c5efee5e880c306b38e47bcb8cc14886c"),
    "analytics": (1, "fe4fab470e85d86b31788aa0c405d009d75849eae51d98d8322290daa268b4d4"),
    "product_updates": (1, "4b14bcb1120570f6c0022535cfdfc3a1e2326372695269d2d9aa64fd9bffbb79"),
    "statistics": (1, "2b18e49f7ad2e7294ba64ace6fd5fe85cb763b6d40ddeade21908a650679d630"),
}


def test_every_purpose_and_every_interest_has_words() -> None:
    assert set(WORDINGS) == set(Purpose)
    assert set(INTERESTS) == set(Interest)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_wording_is_not_edited_in_place(name: str) -> None:
    wording = wording_of(subject_called(name))

    assert (wording.revision, wording.hash) == PUBLISHED[name]
    assert find_wording(subject_called(name), wording.hash) is wording


def test_words_that_never_were_are_not_found() -> None:
    assert find_wording(Purpose.HISTORY, "0" * 64) is None
