"""Ids that go into URLs, and onto command lines."""

from chat.kernel.ids import is_public_id, public_id


def test_no_id_looks_like_an_option() -> None:
    made = [public_id() for _ in range(2000)]  # one in 64 would

    assert not [one for one in made if one.startswith("-")]
    assert all(is_public_id(one) for one in made)
