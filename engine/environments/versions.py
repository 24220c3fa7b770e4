"""Numbered versions of workflows and agents: `workflows/<name>.versions/<number>.json`, texts that never change."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from engine.base.errors import InvalidFile, UnknownName
from engine.base.names import checked_name, child
from engine.documents.json_file import read_text
from engine.files.atomic import make_folder, write_whole
from engine.files.fingerprint import Stamp, stamp
from engine.workspace.file_store import FileStore

_NUMBER = re.compile(r"[1-9][0-9]{0,8}\Z")
_MOST_TEXTS = 200


class Versions:
    """Reads and makes the versions of the files of one folder."""

    def __init__(self, shelf: FileStore) -> None:
        self._shelf = shelf
        self._texts: dict[tuple[str, int], tuple[Stamp, str, str]] = {}
        """Texts already read, each with its stamp and hash: every start of a run asks for one."""

    def numbers(self, name: str) -> list[int]:
        """Return the numbers of the versions of a file, ascending."""
        folder = child(self._shelf.folder, f"{checked_name(self._shelf.kind, name)}.versions")
        try:
            found = [path.stem for path in folder.glob("*.json")]
        except OSError:
            return []
        return sorted(int(stem) for stem in found if _NUMBER.match(stem))

    def file(self, name: str, number: int) -> str:
        """Return the name of a version's file in problems."""
        return f"{self._shelf.file(name).removesuffix('.json')}.versions/{number}.json"

    def text(self, name: str, number: int, known_hash: str = "") -> str:
        """Return the text of a version. Raises UnknownName, and InvalidFile if it has another hash."""
        text, its_hash = self._text(name, number)
        if known_hash and its_hash != known_hash:
            raise InvalidFile(
                f"{self.file(name, number)} was changed after it was promoted.",
                remedy="Restore it, such as with git, or promote the workflow again.",
            )
        return text

    def _text(self, name: str, number: int) -> tuple[str, str]:
        """Return the text of a version and its hash. Raises as `text`."""
        as_now = stamp(f"{self._shelf.folder}/{name}.versions/{number}.json")
        found = self._texts.get((name, number))
        if found is None or not as_now or found[0] != as_now:  # no stamp: the file is gone, or has only just changed
            known = self.numbers(name)
            if number not in known:
                raise UnknownName(f"version of the {self._shelf.kind} {name}", str(number), [str(one) for one in known])
            text = read_text(self._path(name, number), self.file(name, number))
            found = as_now or (), text, hash_of(text)
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            self._texts[name, number] = found
        return found[1:]

    def number_of(self, name: str, text: str) -> int | None:
        """Return the number of the newest version with this text, None if no version has it."""
        newest = reversed(self.numbers(name))
        return next((one for one in newest if self._is(name, one, text)), None)

    def next_number(self, name: str) -> int:
        """Return the number of the next version to be made."""
        return max(self.numbers(name), default=0) + 1

    def make(self, name: str, text: str) -> int:
        """Return the number of the version with this text, and make one if no version has it.

        For a caller that holds `editing()` of the folder. Raises StorageError.
        """
        number = self.number_of(name, text)
        if number is None:
            number = self.next_number(name)
            path = self._path(name, number)
            make_folder(path.parent)
            write_whole(path, text)
        return number

    def _is(self, name: str, number: int, text: str) -> bool:
        try:
            return self.text(name, number) == text
        except InvalidFile:
            return False

    def _path(self, name: str, number: int) -> Path:
        return child(self._shelf.folder, f"{checked_name(self._shelf.kind, name)}.versions") / f"{number}.json"


def hash_of(text: str) -> str:
    """Return the hash by which an environment recognizes a version: 16 letters and digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
