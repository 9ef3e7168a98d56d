"""Hashing a password leaves gevent's loop free for everybody else."""

import subprocess
import sys

from chat.kernel.settings import ROOT

PROGRAM = """
from gevent import monkey; monkey.patch_all()
import gevent
from passlib.context import CryptContext
from chat.accounts.hashing import Pooled
context = {wrap}(CryptContext(schemes=["argon2"], argon2__memory_cost=65536, argon2__time_cost=6))
ticks = []
def tick():
    while True:
        gevent.sleep(0.005)
        ticks.append(1)
gevent.spawn(tick)
gevent.sleep(0.02)
before = len(ticks)
context.hash("a long password")
print(len(ticks) - before)
"""


def test_others_are_served_while_a_password_is_hashed() -> None:
    pooled, alone = (turns_during_a_hash(wrap) for wrap in ("Pooled", "(lambda context: context)"))

    assert alone <= 1
    assert pooled >= 5


def turns_during_a_hash(wrap: str) -> int:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{wrap}", wrap)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return int(result.stdout)
