"""Ways in which a file can be damaged, each done to a real file and taken back."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Do = Callable[[Path, bytes], None]


@dataclass(frozen=True)
class Damage:
    """One damage: its name, and what does it to a file of these bytes."""

    name: str
    do: Do


def _put(data: bytes) -> Do:
    return lambda path, _: _write(path, data)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _directory(path: Path, _data: bytes) -> None:
    path.unlink()
    path.mkdir()


def _link_to_itself(path: Path, _data: bytes) -> None:
    path.unlink()
    path.symlink_to(path)


WHOLE = (
    Damage("a folder in its place", _directory),
    Damage("a link to itself", _link_to_itself),
    Damage("not UTF-8", lambda path, data: _write(path, data[:20] + b"\xff\xfe" + data[20:])),
    Damage("UTF-16", lambda path, data: _write(path, data.decode("utf-8", "replace").encode("utf-16"))),
    Damage("NaN", _put(b'{"schema_version": NaN, "title": Infinity, "steps": -Infinity}')),
    Damage("1,000 levels deep", _put(b"[" * 1000 + b"]" * 1000)),
    Damage("1,000 objects deep", _put(b'{"a":' * 1000 + b"1" + b"}" * 1000)),
    Damage("200,000 levels deep", _put(b"[" * 200_000)),
    Damage("empty", _put(b"")),
    Damage("NUL", _put(b"\0" * 5000)),
    Damage("NUL inside", lambda path, data: _write(path, data[:30] + b"\0" + data[30:])),
    Damage("10 MB of spaces", _put(b" " * 10_000_000)),
    Damage("null", _put(b"null\n")),
    Damage("a list", _put(b"[1, 2]\n")),
    Damage("a huge number", _put(b'{"schema_version": 1' + b"0" * 5000 + b"}")),
)


def cuts(size: int, most: int) -> list[Damage]:
    """Cut a file of `size` bytes off at up to `most` places, evenly spread, the ends among them."""
    positions = range(size) if size <= most else sorted({size * step // most for step in range(most)} | {size - 1})
    return [Damage(f"cut at {position}", _cut(position)) for position in positions]


def _cut(position: int) -> Do:
    return lambda path, data: _write(path, data[:position])


def flips(size: int, count: int, seed: int = 20261120) -> list[Damage]:
    """Change `count` bytes of a file, one at a time."""
    chance = random.Random(seed)
    return [_flip(chance.randrange(size), 1 << chance.randrange(8)) for _ in range(count)]


def _flip(position: int, bit: int) -> Damage:
    def do(path: Path, data: bytes) -> None:
        changed = bytearray(data)
        changed[position] ^= bit
        _write(path, bytes(changed))

    return Damage(f"bit {bit} of byte {position} flipped", do)


def replaced(old: bytes, new: bytes) -> Damage:
    """Change one place of a file, which must be there."""

    def do(path: Path, data: bytes) -> None:
        assert old in data
        _write(path, data.replace(old, new, 1))

    return Damage(f"{new.decode()} in place of {old.decode()}", do)


@contextmanager
def damaged(path: Path, damage: Damage) -> Iterator[None]:
    """Damage a file, and put it back whatever came of that."""
    data = path.read_bytes()
    damage.do(path, data)
    try:
        yield
    finally:
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        path.write_bytes(data)
