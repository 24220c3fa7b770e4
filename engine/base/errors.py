"""The errors of the engine: each says where it happened, which value was seen and what to do next."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from clients.wording import did_you_mean

if TYPE_CHECKING:
    from datetime import datetime

    from engine.base.problem import Problem


def own_words(error: Mapping[str, Any]) -> str:
    """Return the message of a pydantic error, without pydantic's prefix for our own checks and without a full stop."""
    return str(error["msg"]).removeprefix("Value error, ").removesuffix(".")


_LONGEST_SHOWN = 200
_SQLITE_READONLY = 8  # SQLITE_READONLY (sqlite.org/rescode.html); its extended codes differ only above the last byte
_OF_PROMPT = re.compile(r"prompts/(?P<name>[\w-]+)\.(?:json\b|cases/|versions/)")
"""The beginning of a file of a prompt: its text, a case, a version."""


class OrchestraError(Exception):
    """An operation failed; `message` says what and where, `remedy` what to do next."""

    default_remedy: ClassVar[str] = ""
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, remedy: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.own_remedy = remedy
        self.remedy = remedy or self.default_remedy
        self.details = details


class InvalidFile(OrchestraError):
    """A workflow, prompt or configuration file cannot be used; `problems` lists everything that is wrong with it."""

    default_remedy = "Correct the places named; `orchestra validate` checks them again."

    def __init__(self, message: str, problems: Sequence[Problem] = (), *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.problems = list(problems)

    @classmethod
    def of(cls, name: str, problems: Sequence[Problem], *, remedy: str = "") -> InvalidFile:
        """Summarize the problems of one file in one sentence; `name` is its path in the workspace."""
        errors = [problem for problem in problems if problem.severity == "error"]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return cls(
            f"{name} has {len(errors)} problem{'s' * (len(errors) != 1)}: {errors[0]}{more}",
            problems,
            remedy=remedy or check_again(name),
        )


def check_again(file: str) -> str:
    """Return the remedy for an invalid file of a prompt, "" for any other file."""
    found = _OF_PROMPT.match(file)
    return f"Correct the places named; `orchestra prompts show {found['name']}` checks them again." if found else ""


class InvalidInput(OrchestraError):
    """A value given by the caller is invalid."""


class UnknownName(OrchestraError):
    """The name does not exist; similar names are suggested."""

    def __init__(self, thing: str, name: str, known: Sequence[str] = (), *, remedy: str = "") -> None:
        self.thing, self.name, self.known, self._given = thing, name, tuple(known), remedy
        hint = remedy or did_you_mean(name, list(known)) or f"There is no {thing} yet."
        super().__init__(f"There is no {thing} named {name!r}.", remedy=hint)

    def told(self, named: Callable[[str], str], is_shown: Callable[[str], object]) -> UnknownName:
        """Return the same error with other names in its words; it suggests only names that may be shown."""
        known = [one for one in self.known if is_shown(one)]
        return UnknownName(named(self.thing), named(self.name), known, remedy=named(self._given))


class StaleEdit(OrchestraError):
    """Somebody else changed the object since it was opened; nothing was overwritten."""

    default_remedy = "Open it again and bring your change over; your text is still in the editor."


class EditConflict(StaleEdit):
    """Operations are about something that has changed since; nothing was changed.

    `details` has `operation` and `clashes_with` in words, `rev` and `theirs` (the text now), and `yours` (the text as
    it would be without the other change, None if unknown).
    """

    default_remedy = "Look at the text as it is now, and repeat what you still want."


class ConfirmationNeeded(OrchestraError):
    """A workflow would touch real accounts or public repositories without consent; nothing was started.

    `needs_confirmation` names them; sending these names back gives consent.
    """

    default_remedy = (
        'Agree to it: `--yes` or `--confirm NAME` at the command line, `"confirmed"` with these names in a request, '
        "or press Run in the form of the workflow."
    )

    def __init__(self, message: str, needs_confirmation: Sequence[str], *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.needs_confirmation = list(needs_confirmation)


class AccountChanged(OrchestraError):
    """A connection now leads to another account than the run was approved for; nothing was sent there."""

    def __init__(self, connection: str, account: str, before: str, *, writes: bool) -> None:
        agreed = f"this run was agreed to on {before}" if before else "nobody has agreed to any account for this run"
        does = "writes" if writes else "works"
        super().__init__(
            f"The connection {connection!r} is {account} now, and {agreed}; nobody has agreed that it {does} on "
            f"{account}. Nothing was sent there.",
            remedy=f"Let {connection!r} be the account that it was, and resume the run; or agree to {account}: "
            "`orchestra runs resume RUN` asks for it.",
        )


class NotAllowed(OrchestraError):
    """The principal lacks the right for this action."""

    default_remedy = "Ask the owner of this workspace for a role that may."


class ValueNotAllowed(OrchestraError):
    """A field of a step has a value that the step's `allow` does not list; nothing was sent."""

    def __init__(self, field: str, value: str, allowed: Sequence[str]) -> None:
        shown = value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}…"
        self.why = f"{field!r} must not be {shown!r}: the step allows only {', '.join(map(repr, allowed))}."
        super().__init__(
            f"{self.why} Nothing was sent.",
            remedy=f"If it is right, add it to {field!r} in the step's 'allow'.",
        )


class RecipientNotNamed(OrchestraError):
    """A mail whose recipients a step lists in `allow` would go to whoever wrote the mail it answers; not sent."""

    default_remedy = "Name the recipient in 'to'."

    def __init__(self) -> None:
        super().__init__(
            "'to' is empty, so the mail would go to the sender of 'in_reply_to', and the step's 'allow' lists the"
            " recipients. Nothing was sent."
        )


class OutsideTextRefused(OrchestraError):
    """Text from outside is in a field that must not take it, as only the values of the run show; nothing was sent."""

    default_remedy = (
        "List what the field may have in the step's 'allow', or let a person approve the step. If the run uses no"
        " values of an earlier one, please report the workflow, so that the compiler finds it the next time."
    )

    def __init__(self, place: str, field: str, origin: str) -> None:
        super().__init__(
            f"Text from outside must not decide this: `{place}` comes from {origin}. Nothing was sent. It was found"
            " while the workflow ran.",
            field=field,
        )


class TooManyRequests(OrchestraError):
    """One person asks for something too often; it is done again after `retry_after_seconds`."""

    default_remedy = "Wait a minute, then try again."

    def __init__(self, message: str, *, retry_after_seconds: int, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_seconds = retry_after_seconds


class TooManyRuns(TooManyRequests):
    """More runs wait than are done in a minute, so no more are started for `retry_after_seconds`."""

    def __init__(self, waiting: int, most: int, *, retry_after_seconds: int) -> None:
        super().__init__(
            f"{waiting:,} runs wait to begin, and at most {most:,} may. Nothing was started.",
            retry_after_seconds=retry_after_seconds,
            remedy=f"Try again in {retry_after_seconds} s, or raise `limits.most_waiting_runs` in config.yaml.",
        )


class TooManyTries(TooManyRequests):
    """Too many sign-ins failed recently; even the right password is refused for `retry_after_seconds`."""

    default_remedy = "Wait, or take a new link: `orchestra login-link`."


class ProviderFailed(OrchestraError):
    """The sign-in provider cannot be reached, or what it says cannot be used."""

    default_remedy = "Try again later, or sign in in another way; `orchestra connections check` says what is wrong."


class SignInRefused(OrchestraError):
    """A person may not sign in, or it is not certain who they are."""

    default_remedy = "Start again on the sign-in page."


class StorageError(OrchestraError):
    """The disk or the state file failed; nothing that was stored before is lost."""

    default_remedy = "Check free space and permissions of the workspace folder, then try again."


def storage_remedy(error: BaseException | None) -> str:
    """Return what helps where a file cannot be written, "" if the default says it."""
    code = getattr(error, "errno", None)
    if code == errno.EROFS or getattr(error, "sqlite_errorcode", 0) & 0xFF == _SQLITE_READONLY:
        return "Mount its disk for writing, give yourself write permission, or work in a copy of the workspace."
    if code in (errno.EACCES, errno.EPERM):
        return "Give yourself the permission to read and write the workspace folder, or work in a copy of it."
    return ""


class StateAway(StorageError):
    """The server that keeps the state cannot be reached; nothing is wrong with what it keeps."""

    default_remedy = "See that PostgreSQL runs and can be reached from here; work goes on by itself once it does."


class DamagedState(StorageError):
    """The state file can no longer be read; `logs/` has a copy of all runs."""

    default_remedy = "Stop what works on this workspace; `orchestra reindex` rebuilds the state from logs/."


class ProtectedLabel(OrchestraError):
    """A label of a prompt is protected, and the cases of the version do not all pass, nor was a reason given."""


class WritesHeld(OrchestraError):
    """Earlier writes cannot be proven, so nothing is sent until a person releases writes."""


class BudgetExceeded(OrchestraError):
    """A budget is used up, and no model is asked until it begins anew or somebody raises it."""

    def __init__(
        self, message: str, period: str, workflow: str, *, remedy: str, due_at: datetime | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.period, self.workflow = period, workflow
        """Of the budget; its workflow is empty if it is for all together."""
        self.due_at = due_at
        """When it begins anew, in UTC; None if only a person can end the wait."""


class PriceUnknown(OrchestraError):
    """The price of a model is not known, and the settings do not allow it to be asked."""


class SecretLost(OrchestraError):
    """A stored secret cannot be decrypted: its key is missing, or has been replaced."""

    default_remedy = (
        "Bring back the key (ORCHESTRA_SECRET_KEY, or secret.key of the state folder from a backup), "
        "or give the secret again on the Connections page."
    )


class InUse(OrchestraError):
    """Another process already does this, or uses the port."""


class Fenced(OrchestraError):
    """Another process has taken over the runs of this one."""

    default_remedy = "Nothing is lost: the other process goes on with them; `orchestra runs list` shows how far it is."

    def __init__(self) -> None:
        super().__init__("Another process has taken over the runs of this one, which was silent for too long.")


class NotAvailableYet(OrchestraError):
    """This release does not support the feature; it is refused rather than ignored."""


class ExpressionError(OrchestraError):
    """An expression has no usable value."""

    default_remedy = "Look at the values of the steps it names; `default(path, value)` stands in for a missing one."


class PlanDrift(OrchestraError):
    """The world has changed since a plan was made, or the plan itself has: it is not applied.

    Its details have `differences`: [{path, before, after}], as texts for people.
    """

    default_remedy = "Make a new plan, and look at what is different."


class PlanNotChecked(OrchestraError):
    """A service did not answer when the world was compared with a plan; nothing was written, and the plan stays."""

    default_remedy = "Try again later; the plan stays as it is."


class AssertionFailed(OrchestraError):
    """The condition of a `flow.assert` step is false."""


_ASKED_AGAIN = (
    "To be asked again, resume the run if it has failed: `orchestra runs resume`; if it has succeeded, run it again: "
    "`orchestra runs rerun`."
)
"""A rejected step may have been left out (`on_error`); then the run succeeds, and cannot be resumed."""


class Rejected(OrchestraError):
    """A person rejected what the step asked for, or stopped its mail before it went out; `by`: that person's id."""

    default_remedy = _ASKED_AGAIN

    def __init__(self, message: str, *, by: str = "", is_stopped: bool = False) -> None:
        super().__init__(message)
        self.by, self.is_stopped = by, is_stopped


class ApprovalExpired(OrchestraError):
    """Nobody answered the question of a step in time; `goes_on`: whether the run goes on without the step."""

    default_remedy = f"{_ASKED_AGAIN} `expires_after` gives more time."

    def __init__(self, message: str, *, goes_on: bool = False) -> None:
        super().__init__(message)
        self.goes_on = goes_on


class Cancelled(OrchestraError):
    """A person cancelled the run."""


class SetAside(OrchestraError):
    """The process died each time it worked on the run, so the run is not retried automatically."""

    default_remedy = "Look at what its steps were about to do; `orchestra runs resume` or Resume tries it once more."


class AnswerNotRecorded(OrchestraError):
    """A replay has come to a step whose answer is not in its file."""

    default_remedy = "It has gone another way than the run in the file: look at the steps before this one."

    def __init__(self, path: str) -> None:
        super().__init__(f"The file has no answer for {path!r}.")


class StepTimeout(OrchestraError):
    """A group, loop or workflow took longer than its `timeout_seconds`."""

    default_remedy = "Give it more `timeout_seconds`, or fewer items."
