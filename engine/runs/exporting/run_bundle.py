"""The file of a run bundle: a zip archive with `manifest.json` and `run.json`, which is only read in memory."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import re
import stat
import zipfile
import zlib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.base.errors import InvalidFile, InvalidInput
from engine.base.json_text import value_of
from engine.record.storable import unstorable
from engine.record.types.run import Run
from engine.record.types.run_form import is_run

LARGEST_BYTES = 16_000_000
"""Of the file."""
_UNPACKED_BYTES = 64_000_000
_MANIFEST, _RUN = "manifest.json", "run.json"
_MANIFEST_BYTES = 100_000
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError)
_NAMES = re.compile(r"(agent:)?[a-z0-9][a-z0-9_-]{0,63}([@:][a-z0-9][a-z0-9_-]{0,63})?\Z")
"""Of workflows, their branches, and agents."""
_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest in a zip archive: the same run always gives the same bytes
_AGAIN = "`orchestra runs export RUN -o FILE` writes one; export it again."


class Manifest(BaseModel):
    """What a run bundle contains, for people and programs that have not read the rest."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal["ai-orchestra-run"] = "ai-orchestra-run"
    format_version: Literal[1] = 1
    run_id: str = Field(max_length=64)
    workflow: str = Field(max_length=200)
    status: str = Field(max_length=40)
    sentence: str = Field(max_length=5_000)
    versions: dict[str, str]
    """Of the program that made the bundle, and of Python."""
    texts: Literal["kept", "redacted"]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of `run.json`."""


class RunBundle(BaseModel):
    """A run bundle that was read and checked."""

    manifest: Manifest
    run: Any
    """The document of the run (engine.record.types.run.Run)."""


def packed(run: Run, versions: dict[str, str], texts: Literal["kept", "redacted"]) -> bytes:
    """Return the file of a run whose document has no secrets any more. Raises InvalidInput if it is too large."""
    text = f"{json.dumps(run, ensure_ascii=False, indent=2)}\n".encode()
    manifest = Manifest(
        run_id=run["run_id"],
        workflow=run["workflow"],
        status=str(run["status"]),
        sentence=run["sentence"][:5_000],
        versions=versions,
        texts=texts,
        sha256=hashlib.sha256(text).hexdigest(),
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(_MANIFEST, _TIME), f"{manifest.model_dump_json(indent=2)}\n")
        archive.writestr(zipfile.ZipInfo(_RUN, _TIME), text, zipfile.ZIP_DEFLATED)
    content = file.getvalue()
    size, limit = (len(text), _UNPACKED_BYTES) if len(text) > _UNPACKED_BYTES else (len(content), LARGEST_BYTES)
    if size > limit:
        said = f"The file of run {run['run_id']} would have {size:,} bytes, and {limit:,} are read."
        raise InvalidInput(said, remedy="Export a run with fewer items, or one with `--without-texts`.")
    return content


def unpacked(content: bytes) -> RunBundle:
    """Return the bundle in a file. Nothing is written. Raises InvalidFile for anything that no export has written."""
    if len(content) > LARGEST_BYTES:
        raise _refused(f"has {len(content):,} bytes, and at most {LARGEST_BYTES:,} are read")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _require_plain(archive.infolist())
            said, text = _member(archive, _MANIFEST, _MANIFEST_BYTES), _member(archive, _RUN, _UNPACKED_BYTES)
    except (*_DAMAGED, OSError, EOFError, ValueError, RuntimeError) as error:
        raise _refused("is no zip archive, or is damaged") from error
    try:
        manifest = Manifest.model_validate(value_of(said))
        run = value_of(text)
    except (ValidationError, ValueError, RecursionError) as error:
        raise _refused("has a manifest or a run that cannot be read") from error
    if hashlib.sha256(text).hexdigest() != manifest.sha256:
        raise _refused("has another run than its manifest says")
    return RunBundle(manifest=manifest, run=_checked(run))


def _require_plain(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse anything but the two plain files: other names, folders, links, encrypted files."""
    names = sorted(one.filename for one in entries)
    if names != [_MANIFEST, _RUN]:
        raise _refused(f"has other files than {_MANIFEST} and {_RUN}")
    for one in entries:
        # Bit 0 of the flags means encrypted (APPNOTE.TXT, 4.4.4); the upper half of the attributes is the mode on Unix.
        if one.flag_bits & 0x1 or stat.S_ISLNK(one.external_attr >> 16) or one.is_dir():
            raise _refused(f"has {one.filename} as a link, a folder or an encrypted file")


def _member(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    """Return a file of the archive, whatever size it claims to have."""
    with archive.open(name) as file:
        content = file.read(most_bytes + 1)  # the size in the archive is what a stranger wrote there
    if len(content) > most_bytes:
        raise _refused(f"has a {name} of more than {most_bytes:,} bytes")
    return content


def _checked(run: Any) -> Run:
    faults: list[str] = []
    if not isinstance(run, dict) or not is_run(run, faults):
        raise _refused(f"has a run.json that is not the document of a run{f': {faults[0]}' if faults else ''}")
    for said in unstorable(run):
        raise _refused(f"has a run.json that {said.rstrip('.')}")
    definition = run["definition"]
    if not isinstance(definition, dict) or not isinstance(definition.get("workflow"), dict):
        raise _refused("has a run.json without the definition of its workflow")
    if _NAMES.match(run["workflow"]) is None:
        raise _refused("has a run of a workflow with a name that no workflow has")
    return run


def _refused(said: str) -> InvalidFile:
    return InvalidFile(f"The file {said}, so it is not the file of a run.", remedy=_AGAIN)
