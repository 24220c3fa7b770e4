"""The last saved texts of each file, stored with the state so that any of them can be restored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote

from engine.base.clock import timestamp
from engine.base.errors import InvalidFile, UnknownName
from engine.files.atomic import PRIVATE_FILE, PRIVATE_FOLDER
from engine.files.new_files import FileToCreate, write_new
from engine.store.texts.texts import TextStore

FOLDER = "versions"
KEPT = 20
_ID = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)-(.*)\Z")
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_STAMP_LENGTH = len("20261120T073000.000000Z")


class ListedVersion(Protocol):
    """A version of a file, as lists show it."""

    @property
    def id(self) -> str:
        """Return what names it."""

    @property
    def saved_at(self) -> str:
        """Return when it was saved, RFC 3339; "" if unknown."""

    @property
    def words(self) -> str:
        """Return who saved it."""


@dataclass(frozen=True)
class TextVersion:
    """One saved text of a file: `id` names it, `saved_at` is RFC 3339, `saved_by` a principal's id."""

    id: str
    saved_at: str
    saved_by: str
    merged_from: str = ""
    """The branch whose changes came in with this text."""

    @property
    def words(self) -> str:
        """Who saved it: "local:ann", "local:ann, merged from branch labels"."""
        return f"{self.saved_by}, merged from branch {self.merged_from}" if self.merged_from else self.saved_by


class History:
    """The saved texts of one folder's files, `<folder>/<name>/<time>-<by>.json`, or `<time>-<by>!<branch>.json`.

    They are where the state is: files of this machine, or shared by all.
    """

    def __init__(self, texts: TextStore, kind: str) -> None:
        """`kind`: the folder whose files these are, such as `workflows`."""
        self._texts, self._folder = texts, f"{FOLDER}/{kind}"

    def keep(self, name: str, text: str, by: str, at: datetime, merged_from: str = "") -> TextVersion:
        """Store a saved text, and delete all but the last 20. Raises StorageError."""
        kept = self._all(name)
        version = _version(_free_id(kept[0].id if kept else "", by, at) + (f"!{merged_from}" if merged_from else ""))
        assert version
        self._texts.put(self._name(name, version), text)
        self._texts.remove(*(self._name(name, old) for old in kept[KEPT - 1 :]))
        return version

    def keep_new(self, texts: Mapping[str, str], by: str, at: datetime) -> dict[str, TextVersion]:
        """Store the first texts of files, by name, as `keep` does, but together."""
        versions = {}
        for name in texts:
            kept = self._all(name)  # of a file of this name that was deleted
            version = _version(_free_id(kept[0].id if kept else "", by, at))
            assert version
            versions[name] = version
        self._texts.put_new(self._folder, {self._name(name, versions[name]): text for name, text in texts.items()})
        return versions

    def versions(self, name: str) -> list[TextVersion]:
        """Return the versions of a file, newest first."""
        return self._all(name)[:KEPT]  # a deleted one may reappear after a power failure

    def _all(self, name: str) -> list[TextVersion]:
        found = [_version(one.removesuffix(".json")) for one in self._texts.names(f"{self._folder}/{name}")]
        return sorted(filter(None, found), key=lambda version: version.id, reverse=True)

    def text(self, name: str, version_id: str) -> str:
        """Return one saved text. Raises UnknownName, and InvalidFile if it cannot be read."""
        known = {version.id: version for version in self.versions(name)}
        text = self._texts.get(self._name(name, known[version_id])) if version_id in known else None
        if text is None:
            raise UnknownName(f"saved version of {name}", version_id, list(known))
        return text

    def latest_text(self, name: str) -> str | None:
        """Return the last saved text, or None if there is no readable one."""
        versions = self.versions(name)
        try:
            return self._texts.get(self._name(name, versions[0])) if versions else None
        except InvalidFile:
            return None

    def forget(self, name: str, version: TextVersion) -> None:
        """Delete a stored text that was never written to the file."""
        self._texts.remove(self._name(name, version))

    def rename(self, name: str, new: str) -> None:
        """Move the versions to another name, in place of the versions of an earlier file with that name."""
        self._texts.move(f"{self._folder}/{name}", f"{self._folder}/{new}")

    def set_aside(self, name: str, folder: Path) -> None:
        """Move the versions of a file to a folder of this machine. Raises StorageError."""
        found = self._texts.all(f"{self._folder}/{name}")
        write_new(folder, [FileToCreate(folder / one, found[one], PRIVATE_FILE, PRIVATE_FOLDER) for one in found])
        self._texts.remove_all(f"{self._folder}/{name}")

    def _name(self, name: str, version: TextVersion) -> str:
        return f"{self._folder}/{name}/{version.id}.json"


def _version(version_id: str) -> TextVersion | None:
    """Return the version for a stored file's name, or None for a foreign file."""
    match = _ID.match(version_id)
    try:
        at = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC) if match else None
    except ValueError:
        return None
    if match is None or at is None:
        return None
    by, _, merged_from = match[2].partition("!")
    return TextVersion(version_id, timestamp(at), unquote(by), merged_from)


def _free_id(latest: str, by: str, at: datetime) -> str:
    """Return an id that sorts after `latest`, even if two saves share a microsecond."""
    stamp = at.astimezone(UTC).strftime(_STAMP)
    if latest[:_STAMP_LENGTH] >= stamp:
        after = datetime.strptime(latest[:_STAMP_LENGTH], _STAMP).replace(tzinfo=UTC) + timedelta(microseconds=1)
        stamp = after.strftime(_STAMP)
    return f"{stamp}-{quote(by, safe='')[:100]}"  # names of files have 255 bytes at most
