"""What the engine can refuse, each with where, what was seen and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from engine.expressions.wording import did_you_mean


def own_words(error: Mapping[str, Any]) -> str:
    """Return what one of pydantic's errors says, without what it puts before the words of our own checks, or a stop."""
    return str(error["msg"]).removeprefix("Value error, ").removesuffix(".")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file, at a place that an editor can show."""

    message: str
    code: str = "invalid"
    severity: str = "error"
    """`error` stops the file from running, `warning` does not."""
    file: str = ""
    line: int = 1
    column: int = 1
    step: str | None = None
    field: str | None = None
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the form that `validate --json` prints."""
        return asdict(self)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        where = " ".join(filter(None, [self.step and f"step {self.step}", self.field and f"field {self.field}"]))
        return f"{place}: {where + ': ' if where else ''}{self.message}" + (f" {self.remedy}" if self.remedy else "")


class OrchestraError(Exception):
    """Something could not be done; `message` says what and where, `remedy` what to do next."""

    default_remedy: ClassVar[str] = ""
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, remedy: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.default_remedy
        self.details = details


class InvalidFile(OrchestraError):
    """A workflow, prompt or configuration file cannot be used; `problems` lists all that is wrong with it."""

    default_remedy = "Correct the places named; `orchestra validate` checks them again."

    def __init__(self, message: str, problems: Sequence[Problem] = (), *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.problems = list(problems)

    @classmethod
    def of(cls, name: str, problems: Sequence[Problem]) -> InvalidFile:
        """Sum up the problems of one file in one sentence."""
        errors = [problem for problem in problems if problem.severity == "error"]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return cls(f"{name} has {len(errors)} problem{'s' * (len(errors) != 1)}: {errors[0]}{more}", problems)


class InvalidInput(OrchestraError):
    """A value given by the caller does not fit."""


class UnknownName(OrchestraError):
    """There is no such thing; close names are offered."""

    def __init__(self, thing: str, name: str, known: Sequence[str] = (), *, remedy: str = "") -> None:
        hint = remedy or did_you_mean(name, list(known)) or f"There is no {thing} yet."
        super().__init__(f"There is no {thing} named {name!r}.", remedy=hint)


class StaleEdit(OrchestraError):
    """Somebody changed the thing since it was opened; nothing was overwritten."""

    default_remedy = "Open it again and bring your change over; your text is still in the editor."


class NotAllowed(OrchestraError):
    """The acting principal has no right to do this."""

    default_remedy = "Ask the owner of this workspace for a role that may."


class TooManyTries(OrchestraError):
    """Too many sign-ins failed of late; even the right password is refused for `retry_after_seconds`."""

    default_remedy = "Wait, or take a new link: `orchestra login-link`."

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StorageError(OrchestraError):
    """The disk or the state file refuses; nothing that was stored before is lost."""

    default_remedy = "Check free space and permissions of the workspace folder, then try again."


class DamagedState(StorageError):
    """The state file cannot be read any more; what ran is in `logs/` too."""

    default_remedy = "Stop what works on this workspace; `orchestra reindex` makes the state anew from logs/."


class SecretLost(OrchestraError):
    """A kept secret cannot be opened: its key is gone, or is another one."""

    default_remedy = (
        "Bring back the key (ORCHESTRA_SECRET_KEY, or secret.key of the state folder from a backup), "
        "or give the secret again on the Connections page."
    )


class InUse(OrchestraError):
    """Another process already does this, or holds the port."""


class NotAvailableYet(OrchestraError):
    """This release does not do that; it is refused rather than ignored."""


class ExpressionError(OrchestraError):
    """An expression has no usable value."""

    default_remedy = "Look at the values of the steps it names; `default(path, value)` stands in for a missing one."


class AssertionFailed(OrchestraError):
    """An `flow.assert` step found its condition false."""


class Cancelled(OrchestraError):
    """The run was cancelled by a person."""


class StepTimeout(OrchestraError):
    """A group, loop or workflow took longer than its `timeout_seconds`."""

    default_remedy = "Give it more `timeout_seconds`, or fewer items."
