"""A Gmail sign-in on disk (Google's authorised-user JSON and what was noted at sign-in), shared by many processes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from clients.errors import AuthError, Timeout, Unavailable

SERVICE = "gmail"
SIGN_IN_AGAIN = "Sign in again: `orchestra connections add gmail --client-secret FILE`, or Connect on the dashboard."
_LOCK_SECONDS = 30.0


class Seal(Protocol):
    """How a sign-in is kept at rest; both raise AuthError where that cannot be."""

    def sealed(self, text: str) -> str:
        """Give the text of the file for this text."""

    def opened(self, content: str) -> str:
        """Give what was sealed; text in clear is given as it is."""

    def is_needed(self, content: str) -> bool:
        """Tell whether the text of a file is in clear, and should not be."""


class InClear:
    """A file that is not this program's own, such as one that other tools read, too."""

    def sealed(self, text: str) -> str:
        """Give the text itself."""
        return text

    def opened(self, content: str) -> str:
        """Give the text itself."""
        return content

    def is_needed(self, content: str) -> bool:
        """Give no: it stays as it is."""
        return False


class SignInFile:
    """One sign-in file; hold `locked()` around what reads it and writes it anew."""

    def __init__(self, path: Path, seal: Seal | None = None) -> None:
        self.path = path
        self._seal: Seal = seal or InClear()

    def read(self) -> dict[str, Any]:
        """Give what it holds; raises AuthError where it is absent, cannot be opened, or is not one."""
        try:
            found = json.loads(self._seal.opened(self._content()))
        except FileNotFoundError:
            raise sign_in_error(f"Nobody has signed in to Gmail yet: {self.path} does not exist.") from None
        except (OSError, ValueError) as error:
            raise sign_in_error(f"The Gmail sign-in file {self.path} cannot be read: {type(error).__name__}.") from None
        if not isinstance(found, dict):
            raise sign_in_error(f"{self.path} is not a Gmail sign-in file.")
        return found

    def is_in_clear(self) -> bool:
        """Tell whether it lies there unsealed though it should not; False where there is none."""
        try:
            return self._seal.is_needed(self._content())
        except (OSError, ValueError):
            return False

    def save(self, info: Mapping[str, Any]) -> None:
        """Write it whole or not at all, readable by its owner only (0600), on disk when this returns.

        Raises Unavailable where the disk takes it not; the old one stands then.
        """
        text = self._seal.sealed(json.dumps(dict(info), indent=2) + "\n")
        try:
            self._put(text)
        except OSError as error:
            raise _unwritten(self.path, error) from error

    def _put(self, text: str) -> None:
        folder = self.path.parent
        _make(folder)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{self.path.name}.")  # mkstemp makes it 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync(folder)

    def version(self) -> tuple[int, int] | None:
        """Give what changes when the file is replaced; None where there is none."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the file's lock over all processes: of many workers one renews, the others read what it saved."""
        try:
            _make(self.path.parent)
            descriptor = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unwritten(self.path, error) from error
        try:
            _wait_for(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _content(self) -> str:
        return self.path.read_text(encoding="utf-8")


def _make(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    """Let the new name outlive a power cut: the one before may have been taken back by then."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritten(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"The Gmail sign-in file {path} cannot be written: {error.strerror or error}.",
        service=SERVICE,
        remedy="Make room on that disk, or let this program write there; then try again.",
        outcome="not_done",
    )


def _wait_for(descriptor: int) -> None:
    give_up_at = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                raise Timeout(
                    "Another process has been renewing the Gmail sign-in for 30 seconds.",
                    service=SERVICE,
                    outcome="not_done",
                ) from None
            time.sleep(0.02)
        else:
            return


def sign_in_error(message: str, *, account: str = "", lacks_scope: bool = False) -> AuthError:
    """Give the error of a sign-in that is not there, or not good."""
    error = AuthError(message, service=SERVICE, remedy=SIGN_IN_AGAIN)
    error.account, error.lacks_scope = account, lacks_scope
    return error
