"""Keep logs small while processes continue to write to them."""

from __future__ import annotations

from pathlib import Path

from engine.files.atomic import open_private

LARGEST_BYTES = 5 * 1024 * 1024


def shorten_logs(folder: Path) -> None:
    """Move the end of each large `*.log` to `*.log.1`; processes that have it open continue at its new beginning.

    A line written at that very moment may be lost: these logs are only for people, runs have their own.
    """
    for path in folder.glob("*.log"):
        size = path.stat().st_size
        if size <= LARGEST_BYTES:
            continue
        with path.open("r+b") as log, open_private(path.with_name(f"{path.name}.1"), "w") as kept:
            log.seek(size - LARGEST_BYTES)
            kept.buffer.write(log.read(LARGEST_BYTES))
            log.truncate(0)
