"""A trigger that reads a mail archive, in servers that are killed, while the archive grows and is written anew."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from assurance.kill.line_storm import LineStorm, each_item
from assurance.kill.storm import storm

_LONG_AGO_SECONDS = 60


@dataclass
class ArchiveStorm(LineStorm):
    """One mailbox and its workflow; a mail is known by its subject."""

    kept: ClassVar[str] = "/trigger/title"

    def workflow(self) -> dict[str, Any]:
        """Return the workflow that starts for each mail."""
        return each_item("file.new_message", {"path": self.path.name})

    @property
    def path(self) -> Path:
        """The mailbox."""
        return self.storm.place.root / f"{self.name}.mbox"

    def write(self, count: int) -> None:
        """Add mails."""
        new = [f"{self.name}-{len(self.written) + number}" for number in range(count)]
        self.written += new
        with self.path.open("ab") as file:
            file.write(b"".join(_mail(subject) for subject in new))
        self._has_been_still()

    def compact(self) -> None:
        """Write the mailbox anew, with a mail less, as mail programs do."""
        whole = self.path.read_bytes()
        second = whole.find(b"From x", 1)
        draft = self.path.with_suffix(".new")
        draft.write_bytes(whole[second:])
        draft.replace(self.path)
        self._has_been_still()

    def _has_been_still(self) -> None:
        at = time.time() - _LONG_AGO_SECONDS + len(self.written) / 1000
        os.utime(self.path, (at, at))


def _mail(subject: str) -> bytes:
    filler = "Müller\n" * 100
    return (
        f"From x Fri Nov 20 08:00:00 2026\nFrom: Ann <ann@a.example>\nSubject: {subject}\n"
        f"Date: Fri, 20 Nov 2026 08:00:00 +0000\nContent-Type: text/plain; charset=utf-8\n\n{filler}\n\n"
    ).encode()


@contextmanager
def archive_storms(root: Path) -> Iterator[Callable[[str], ArchiveStorm]]:
    """Make a workspace in which one mailbox after the other is read."""
    with storm(root, settings="limits: {lease_seconds: 1}") as made:
        yield lambda name: ArchiveStorm(made, name)
