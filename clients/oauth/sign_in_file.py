"""A sign-in that is kept (tokens, and facts noted at sign-in), shared by many processes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from clients.errors import Timeout, Unavailable
from clients.oauth.app import SignInApp
from clients.sign_in import Seal, SignInKeeper

_LOCK_SECONDS = 30.0


class InClear:
    """For a file that other tools read, too: it is kept in plain text."""

    def sealed(self, text: str) -> str:
        """Return the text unchanged."""
        return text

    def opened(self, content: str) -> str:
        """Return the text unchanged."""
        return content

    def is_needed(self, content: str) -> bool:
        """Return False: the file stays in plain text."""
        return False

    def place(self, path: Path) -> SignInKeeper | None:
        """Return None: it is this file."""
        return None


class DiskPlace:
    """A private file, and the lock of the operating system on another one beside it."""

    def __init__(self, path: Path, app: SignInApp) -> None:
        self._path, self._app = path, app

    def content(self) -> str:
        """Return the text of the file."""
        return self._path.read_text(encoding="utf-8")

    def put(self, content: str) -> None:
        """Write the file atomically."""
        folder = self._path.parent
        _make(folder)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{self._path.name}.")  # mkstemp creates it with mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync(folder)

    def version(self) -> str | None:
        """Return the number and the time of the file."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return f"{status.st_ino} {status.st_mtime_ns}"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock."""
        try:
            _make(self._path.parent)
            descriptor = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unwritten(self._path, self._app, error) from error
        try:
            _wait_for(descriptor, self._app)
            yield
        finally:
            os.close(descriptor)


class SignInFile:
    """One sign-in, by the path of its file; hold `locked()` around a read followed by a save."""

    def __init__(self, path: Path, app: SignInApp, seal: Seal | None = None) -> None:
        self.path, self.app = path, app
        self._seal: Seal = seal or InClear()
        self._place: SignInKeeper = self._seal.place(path) or DiskPlace(path, app)

    def read(self) -> dict[str, Any]:
        """Return the content; raises AuthError if the file is missing, malformed or cannot be decrypted."""
        try:
            found = json.loads(self._seal.opened(self._place.content()))
        except FileNotFoundError:
            raise self.app.sign_in_error(
                f"Nobody has signed in to {self.app.title} yet: {self.path} does not exist."
            ) from None
        except (OSError, ValueError) as error:
            raise self.app.sign_in_error(
                f"The {self.app.title} sign-in file {self.path} cannot be read: {type(error).__name__}."
            ) from None
        if not isinstance(found, dict):
            raise self.app.sign_in_error(f"{self.path} is not a {self.app.title} sign-in file.")
        return found

    def is_in_clear(self) -> bool:
        """Return whether the file is in plain text although it should not be; False if there is no file."""
        try:
            return self._seal.is_needed(self._place.content())
        except (OSError, ValueError):
            return False

    def save(self, info: Mapping[str, Any]) -> None:
        """Replace the content atomically and durably; a file is readable by its owner only (0600).

        Raises Unavailable if that fails; the old content is then kept.
        """
        text = self._seal.sealed(json.dumps(dict(info), indent=2) + "\n")
        try:
            self._place.put(text)
        except OSError as error:
            raise _unwritten(self.path, self.app, error) from error

    def version(self) -> str | None:
        """Return a value that changes when the content is replaced; None without any content."""
        return self._place.version()

    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock across processes: one worker renews the token, and the others read the saved one."""
        return self._place.locked()


def _unwritten(path: Path, app: SignInApp, error: OSError) -> Unavailable:
    return Unavailable(
        f"The {app.title} sign-in file {path} cannot be written: {error.strerror or error}.",
        service=app.name,
        remedy="Free space on that disk, or let this program write there; then try again.",
        outcome="not_done",
    )


def _make(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    """Make the rename survive a power cut: the old token may no longer be valid by then."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, app: SignInApp) -> None:
    give_up_at = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            # A blocking `flock` would have no time limit.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                raise Timeout(
                    f"Another process has been renewing the {app.title} sign-in for 30 seconds.",
                    service=app.name,
                    outcome="not_done",
                ) from None
            time.sleep(0.02)
        else:
            return
