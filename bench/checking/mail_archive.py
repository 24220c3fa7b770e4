"""mail_archive: an archive of 100,000 mails (mbox, about 300 MB), beside `mailbox.mbox` of Python on the same file.

Ours finds each mail, its key and the place to go on from, a hundred at a time, as a trigger does; the limit opens the
file and parses each mail. Each is a process of its own. `more` has what the records of the mails take beyond that, as
steps get them, and the peaks of memory.
"""

from __future__ import annotations

import mailbox
import random
import resource
import tempfile
import time
from base64 import encodebytes
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.base.figures import beside
from engine.base.services import client_class, declaration

WORK = "mail_archive"
GOAL = 1.0
_OURS: Any = import_module("engine.triggers.mail_archive")  # the trigger, with what it reads by
COUNT = 100_000
_WORDS = "the invoice of Müller for März is attached please pay until Friday or ask us regards Größe order".split()


def measure() -> dict[str, Any]:
    """Return mails a second; `more` also has mebibytes."""
    with tempfile.TemporaryDirectory() as place:
        write(Path(place) / "all.mbox", COUNT)
        ours, records, limit = (_apart(one, place) for one in (_found, _read, _limit))
    assert (ours.count, records.count, limit.count) == (COUNT, COUNT, COUNT)
    more = {
        "records_a_second": [records.rate],
        "peak_mib": [max(ours.peak_mib, records.peak_mib)],
        "limit_peak_mib": [limit.peak_mib],
    }
    return {**beside([ours.rate], [limit.rate], GOAL, "mails/s"), "more": more}


def write(path: Path, count: int) -> None:
    """Write a mailbox: short mails, answers with quotes, HTML, and one in ten with a file."""
    chance = random.Random(20261130)
    with path.open("wb") as file:
        for number in range(count):
            file.write(_mail(number, chance))


def _mail(number: int, chance: random.Random) -> bytes:
    at = datetime(2010, 1, 1, tzinfo=UTC) + timedelta(minutes=number * 50)
    text = "\n\n".join(" ".join(chance.choices(_WORDS, k=30)) for _ in range(chance.randint(1, 6)))
    head = (
        f"From ann@a.example {at:%a %b %d %H:%M:%S %Y}\nReceived: from a by b; {at:%a, %d %b %Y %H:%M:%S} +0000\n"
        f"From: Ann {number % 97} <ann{number % 97}@a.example>\nTo: me@example.com\nSubject: Order {number}\n"
        f"Date: {at:%a, %d %b %Y %H:%M:%S} +0100\nMessage-ID: <{number}.x@a.example>\nMIME-Version: 1.0\n"
    )
    plain = f"Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    if number % 3 == 0:
        return f"{head}{plain}\n> {text.replace(chr(10), chr(10) + '> ')}\n\n".encode()
    html = f"Content-Type: text/html; charset=utf-8\n\n<html><body><p>{text}</p></body></html>\n"
    parts = ["--b", plain, "--b", html]
    if number % 10 == 0:
        data = encodebytes(chance.randbytes(9000)).decode()
        parts += ["--b", f"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n{data}"]
    kind = "mixed" if number % 10 == 0 else "alternative"
    return f"{head}Content-Type: multipart/{kind}; boundary=b\n\n{chr(10).join(parts)}\n--b--\n\n".encode()


@dataclass
class _Pass:
    """What one process has read."""

    count: int
    seconds: float
    peak_mib: float

    @property
    def rate(self) -> float:
        """Mails a second."""
        return self.count / self.seconds


def _apart(work: Callable[[str], int], place: str) -> _Pass:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, work, place).result()


def _measured(work: Callable[[str], int], place: str) -> _Pass:
    began = time.perf_counter()
    count = work(place)
    return _Pass(count, time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _found(place: str) -> int:
    return sum(1 for _ in _mails(place))


def _read(place: str) -> int:
    return sum(bool(_OURS.shown(one.mail)["subject"]) for one in _mails(place))


def _mails(place: str) -> Iterator[Any]:
    opening: Any = SimpleNamespace(workspace=Path(place), private=frozenset(), is_demo=False, shared_folder=None)
    archive = _OURS.MailArchive(client_class("file").open(declaration("file").settings(), opening), "all.mbox")
    reached, later = _OURS.ArchivePlace(), datetime.now(UTC) + timedelta(minutes=1)
    while (piece := _OURS.read_on(archive, reached, list, 100, later)).has_more:
        yield from piece.mails
        reached = _OURS.ArchivePlace.of(reached.kept)


def _limit(place: str) -> int:
    return sum(bool(one["Subject"]) for one in mailbox.mbox(Path(place) / "all.mbox", create=False))
