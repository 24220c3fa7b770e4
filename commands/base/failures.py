"""The message and exit code of a command that failed (docs/operations.md: Exit codes)."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from commands.base.screen import document, note
from engine.base.errors import (
    Fenced,
    InUse,
    OrchestraError,
    PlanDrift,
    SecretLost,
    StorageError,
    UnknownName,
    storage_remedy,
)

if TYPE_CHECKING:
    import typer

    from engine.base.problem import Problem

DONE, FAILED, WRONG, NOT_FOUND, IN_USE, WAITS = 0, 1, 2, 3, 4, 5


_OF_THE_SYSTEM = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG, errno.ENOMEM}
    | {errno.EACCES, errno.EPERM}
)
"""Errors of a machine that is full, broken, at its limits or closed, wherever they occur: no fault of the program."""


_MORE = ("problems", "needs_confirmation", "differences")
"""What only some failures have."""


class Terminated(BaseException):  # like KeyboardInterrupt: no `except Exception` may swallow it
    """The process was asked to end by Ctrl-C (130) or SIGTERM (143); the exit code is the one that shells expect."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


@contextmanager
def stops_raised() -> Iterator[None]:
    """Raise Terminated in the main thread at Ctrl-C and SIGTERM."""

    def stop(number: int, _frame: object) -> None:
        raise Terminated(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Declined(Exception):
    """A person answered no; the message says what was not done because of it."""


class CommandFailure(NamedTuple):
    """Why a command failed: message, remedy and exit code."""

    exit_code: int
    type: str
    message: str
    remedy: str = ""
    problems: list[Problem] | None = None
    needs_confirmation: list[str] | None = None
    differences: list[dict[str, Any]] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints: {"error": {type, message, remedy, …}}, with what is known of `_MORE`."""
        error: dict[str, Any] = self._asdict()
        error.pop("exit_code")
        if self.problems is not None:
            error["problems"] = [problem.as_json() for problem in self.problems]
        for name in _MORE:
            if error[name] is None:
                error.pop(name)
        return {"error": error}

    def lines(self) -> list[str]:
        """Return the text for a person: a sentence with its remedy, then each problem if there is more than one."""
        listed = self.problems if self.problems is not None and len(self.problems) > 1 else []
        names = [f"  {name}" for name in self.needs_confirmation or ()]
        return [f"{self.message} {self.remedy}".strip(), *(f"  {problem}" for problem in listed), *names]


def tell(failure: CommandFailure, *, as_json: bool) -> int:
    """Report a failure, as text or as one JSON document; return its exit code."""
    if not (as_json and _is_written(failure)):
        for line in failure.lines():
            note(line)
    return failure.exit_code


def _is_written(failure: CommandFailure) -> bool:
    """Write a failure as one JSON document; return False if standard output cannot be written, such as on a full disk.

    Then nothing more is written there: Python would report the same again when it ends.
    """
    try:
        document(failure.as_json())
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def failure_of(error: BaseException, workspace: Path) -> CommandFailure:
    """Return the failure for any exception; an unexpected one leaves its details in a log file."""
    from clients.errors import ServiceError  # here: the parent of a server stays small until something fails

    kind = type(error).__name__
    if isinstance(error, OrchestraError):
        more = {name: getattr(error, name, None) or error.details.get(name) or None for name in _MORE}
        return CommandFailure(_code(error), kind, error.message, error.remedy, **more)
    if isinstance(error, ServiceError):
        return CommandFailure(FAILED, kind, error.message, error.remedy)
    if isinstance(error, OSError) and error.errno in _OF_THE_SYSTEM:
        place = error.filename or "The system refuses"
        remedy = storage_remedy(error) or StorageError.default_remedy
        return CommandFailure(IN_USE, StorageError.__name__, f"{place}: {error.strerror}.", remedy)
    if isinstance(error, Terminated):
        return CommandFailure(error.exit_code, "Stopped", "Stopped.")
    if isinstance(error, Declined):
        return CommandFailure(FAILED, "Declined", str(error))
    return _of_arguments(error) or _unforeseen(error, workspace)


def _code(error: OrchestraError) -> int:
    if isinstance(error, UnknownName):
        return NOT_FOUND
    if isinstance(error, PlanDrift):
        return FAILED
    return IN_USE if isinstance(error, StorageError | SecretLost | InUse | Fenced) else WRONG


def _of_arguments(error: BaseException) -> CommandFailure | None:
    """Return the failure if the arguments are wrong, or a question got no answer."""
    import typer  # the parent of a server has no arguments, and stays small

    if isinstance(error, typer.TyperException):
        return _wrong_usage(error)
    if isinstance(error, typer.Abort):
        return CommandFailure(WRONG, "Aborted", "Nothing was done: the question got no answer.")
    return None


def _wrong_usage(error: typer.TyperException) -> CommandFailure:
    message = error.format_message().replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError" or context is None:
        return CommandFailure(WRONG, "WrongUsage", message)
    sentence = message if message.endswith((".", "?", ")")) else f"{message}."
    return CommandFailure(WRONG, "WrongUsage", sentence, f"`{context.command_path} --help` shows how it is used.")


def _unforeseen(error: BaseException, workspace: Path) -> CommandFailure:
    import traceback  # these have 30 modules, and the parent of a server stays small

    from engine.files.private_lines import private

    details = private("".join(traceback.format_exception(error)))
    path = _kept(details, workspace / ".orchestra")
    message = f"Unexpected error ({type(error).__name__})."
    return CommandFailure(FAILED, "Unforeseen", message, f"Details are in {path}; nothing already stored is lost.")


def _kept(details: str, folder: Path) -> Path:
    """Write the details to a file that only the owner can read; return its path."""
    path = folder / "errors.log"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    except OSError:  # there is no workspace here, or it cannot be written
        import tempfile

        handle, name = tempfile.mkstemp(prefix="orchestra-error-", suffix=".log")
        path = Path(name)
    with os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace") as log:
        log.write(details + "\n")
    return path
