"""Labels of versions: names that people give them, or names that workflows use, which move from version to version."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.base.errors import InvalidFile, InvalidInput
from engine.base.names import checked_name, child
from engine.base.problem import Problem
from engine.compiler.definition.environment import CURRENT
from engine.documents.json_file import JsonFile, parse, read_text
from engine.documents.repair import repaired
from engine.files.atomic import make_folder, remove, write_whole
from engine.files.fingerprint import Stamp, stamp
from engine.workspace.file_store import FileStore

if TYPE_CHECKING:
    from engine.workspace.references import NamingFiles

LONGEST_LABEL = 60
POINTER = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")
"""A label that moves, which stands behind a name: `classify-mail@production`."""
Number = Annotated[int, Field(ge=1, le=999_999_999, strict=True)]
_HISTORY_ID = re.compile(r"\d{8}T\d{6}\.\d{6}Z-")
_FILE = "labels.json"


class VersionLabel(BaseModel):
    """The numbered version that a label names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Number
    hash: str = ""
    """Agents: the hash of the text when it was labelled; a text that was changed since does not run."""
    made_at: str = ""
    """When the file was this version, RFC 3339: steps that were renamed later have other ids now."""
    labelled_at: str = ""
    labelled_by: str = ""
    """The id of a principal."""


class _LabelFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    labels: dict[str, VersionLabel] = {}


class VersionLabels:
    """Labels in `<name>.versions/labels.json`: words by which people know a version, or names that steps use."""

    def __init__(self, shelf: FileStore, naming: NamingFiles | None = None) -> None:
        """`naming`: the files whose steps use a label, as `helper@production`; None: people alone use them."""
        self.move = naming is not None
        """Whether a label moves to another version when that gets it; else it names one version until it is removed."""
        self._naming = naming
        self._shelf = shelf
        self._read: dict[str, tuple[Stamp, dict[str, VersionLabel]]] = {}
        """Labels already read, each with the stamp of their file: the search asks for the labels of every workflow."""

    def all(self, name: str) -> dict[str, VersionLabel]:
        """Return the labels of a file, {} without any. Raises InvalidFile with every problem, InvalidInput."""
        as_now = stamp(f"{self._shelf.folder}/{name}.versions/{_FILE}")
        known = self._read.get(name)
        if known is not None and as_now and known[0] == as_now:
            return {**known[1]}
        path = self._path(name)
        found = _read(read_text(path, self.file(name)), self.file(name)) if path.exists() else {}
        if as_now:
            self._read[name] = as_now, found
        else:
            self._read.pop(name, None)
        return {**found}

    def put(self, name: str, labels: Mapping[str, VersionLabel], _by: str) -> None:
        """Write the labels of a file, for a caller that holds `editing()` of the folder. Raises StorageError."""
        path = self._path(name)
        if not labels:
            remove(path)
            return
        make_folder(path.parent)
        write_whole(path, text_of(labels))

    def checked(self, label: str) -> str:
        """Return a label as it is stored. Raises InvalidInput if it cannot be one."""
        return checked_label(checked_pointer(label, CURRENT) if self.move else label)

    def require_removable(self, name: str, label: str, *same: str) -> None:
        """Raise InUse if a step uses a label, or one of the suffixes that mean the `same`."""
        if self._naming is not None:
            self._naming.require_none(name, (label, *same))

    def file(self, name: str) -> str:
        """Return the name of the file of labels in problems."""
        return f"{self._shelf.file(name).removesuffix('.json')}.versions/{_FILE}"

    def _path(self, name: str) -> Path:
        return child(self._shelf.folder, f"{checked_name(self._shelf.kind, name)}.versions") / _FILE


def text_of(labels: Mapping[str, VersionLabel]) -> str:
    """Return the text of a file of labels."""
    known = {label: one.model_dump(mode="json", exclude_defaults=True) for label, one in sorted(labels.items())}
    return json.dumps({"schema_version": 1, "labels": known}, ensure_ascii=False, indent=2) + "\n"


def same_label(label: str, labels: Iterable[str]) -> str:
    """Return the label that differs from this one in case only; "" if no label does."""
    return next((one for one in labels if one.casefold() == label.casefold()), "")


def checked_pointer(label: str, *taken: str) -> str:
    """Return a label that can stand behind a name; `taken`: words that mean something else there.

    Raises InvalidInput.
    """
    if not POINTER.match(label) or label in taken:
        raise InvalidInput(
            f"{label!r} cannot be a label.", remedy="Use lower-case letters, digits, '-' and '_', a letter first."
        )
    return label


def checked_label(text: str) -> str:
    """Return a label as it is stored, with single spaces. Raises InvalidInput if it cannot be one."""
    label = " ".join(unicodedata.normalize("NFC", text).split())
    if fault := _fault(label):
        raise InvalidInput(
            f"{text[:100]!r} cannot be a label: {fault}.", remedy='Write one such as "before May" or v2.'
        )
    return label


def _fault(label: str) -> str:
    """Return why a text cannot be a label; "" if it can."""
    if not label:
        return "it is empty"
    if len(label) > LONGEST_LABEL:
        return f"it has {len(label)} characters, and at most {LONGEST_LABEL} are allowed"
    if not label.isprintable() or "/" in label or "\\" in label:
        return "it has '/', '\\' or a character that cannot be printed"
    if not label[0].isalnum():
        return "it begins with neither a letter nor a digit"
    if label.isdecimal() or label.casefold() == CURRENT or _HISTORY_ID.match(label):
        return "it could be mistaken for the number or the id of a version"
    return ""


def _read(text: str, file: str) -> dict[str, VersionLabel]:
    found = parse(text, file)
    if not isinstance(found.value, dict):
        raise InvalidFile(f"{file} does not contain a JSON object.")
    model, repair = repaired(_LabelFile, found.value)
    problems = [
        _problem(found, repair.written(one.path), one.message, one.code, one.remedy) for one in repair.faults
    ] or [*_label_problems(found, model)]
    if problems or model is None:
        raise InvalidFile.of(file, problems)
    return dict(model.labels)


def _label_problems(file: JsonFile, model: _LabelFile | None) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for label in model.labels if model is not None else ():
        fault = _fault(label)
        if fault:
            yield _problem(file, ("labels", label), f"{label!r} cannot be a label: {fault}.", "label", "Rename it.")
        elif other := seen.get(label.casefold()):
            yield _problem(file, ("labels", label), f"{label!r} is the same label as {other!r}.", "label", "Rename it.")
        seen[label.casefold()] = label


def _problem(file: JsonFile, path: tuple[str | int, ...], message: str, code: str, remedy: str) -> Problem:
    line, column = file.place(path)
    where = ".".join(map(str, path)) or None
    return Problem(message, code, file=file.file, line=line, column=column, field=where, remedy=remedy)
