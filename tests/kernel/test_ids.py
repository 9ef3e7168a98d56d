"""Ids that go into URLs, and onto command lines."""

import subprocess
import sys

from chat.kernel.ids import is_public_id, public_id


def test_no_id_looks_like_an_option() -> None:
    made = [public_id() for _ in range(2000)]  # one in 64 would

    assert not [one for one in made if one.startswith("-")]
    assert all(is_public_id(one) for one in made)


def test_a_process_does_not_give_the_ids_of_the_one_it_comes_from() -> None:
    # In a process of its own: this one has threads, which a fork would leave in the middle of what they do.
    program = """
import os, sys
from chat.kernel.forks import process_id
from chat.kernel.ids import public_id
public_id()  # many are drawn at once
child = os.fork()
assert process_id() == os.getpid(), "the number is the parent's"
if child:
    os.waitpid(child, 0)
print(*(public_id() for _ in range(8)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    first, second = (set(line.split()) for line in done.stdout.splitlines())
    assert len(first) == len(second) == 8
    assert not first & second
