"""Answers and forwarded mails of nine mail programs in 27 languages: what is new stays, what is old goes.

The figure stands in docs/reliability.md; `pytest -s` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clients.mail.text import MailView
from tests.mail.quoted_mails import PROGRAMS, SEED, Written, written_mails
from tests.mail.raw_mails import read_raw
from tests.mail.written_quotes import WRITTEN

COUNT = 486
"""Each language with each program, as an answer and as a forwarded mail."""


def _wrong(mail: Written) -> Iterator[str]:
    read = read_raw(mail.raw, MailView(quotes=True, signature=True))
    yield from (f"{word} is missing" for word in mail.own if word not in read["text"])
    yield from (f"{word} is left" for word in mail.old if word in read["text"])
    if mail.is_forward and read["text"] != read_raw(mail.raw)["text"]:
        yield "not whole"
    if bool(read["left_out"]) != (read["full_text"] is not None):
        yield "does not say what it leaves out"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_at_most_one_in_a_hundred_mails_is_cut_wrongly(seed: int) -> None:
    wrong = {mail.name: found for mail in written_mails(seed, COUNT) if (found := [*_wrong(mail)])}
    print(f"{len(wrong)} of {COUNT} mails are cut wrongly", *wrong.items(), sep="\n")  # noqa: T201
    assert len(wrong) <= COUNT // 100


def test_every_language_and_program_is_tried() -> None:
    names = [mail.name.split(maxsplit=2)[1:] for mail in written_mails(SEED, COUNT)]
    assert {language for language, _ in names} == set(WRITTEN)
    assert all(any(rest.startswith(program) for _, rest in names) for program in PROGRAMS)
