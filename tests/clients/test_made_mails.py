"""Made mails say what their senders put in, from the bytes of a mail as a server gives them.

`make assurance` reads a thousand (tests/mail/chaos.py).
"""

from __future__ import annotations

import time
from functools import partial

import pytest

from tests.mail.made_mails import ALL, SEED, SOME, mails
from tests.mail.raw_mails import read_raw, taken_raw
from tests.mail.reading import differences


def say_what_was_put_in(count: int) -> None:
    """Read so many mails, and compare."""
    found, slowest = {}, 0.0
    for made in mails(SEED, count):
        began_at = time.thread_time()
        read = read_raw(made.raw)
        slowest = max(slowest, time.thread_time() - began_at)
        if different := differences(made, read, partial(taken_raw, made.raw)):
            found[made.name] = different
        for part in read["parts"]:
            assert len(taken_raw(made.raw, part["id"])) == part["bytes"], (made.name, part)
    print(f"{count} mails, the slowest in {slowest:.2f} s")  # noqa: T201
    assert found == {}


@pytest.mark.slow
def test_every_mail_says_what_its_sender_put_in() -> None:
    say_what_was_put_in(SOME)


@pytest.mark.slow
def test_they_are_the_same_each_time_and_of_every_charset() -> None:
    first, again = ([made.raw for made in mails(SEED, 30)] for _ in range(2))
    assert first == again
    assert len(set(first)) == 30
    assert len({made.name.split()[-1] for made in mails(SEED, ALL)}) > 45
