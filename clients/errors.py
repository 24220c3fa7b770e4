"""Errors of outside services: the same classes for every service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from clients.secrets import known

Outcome = Literal["not_done", "done", "unknown"]


class ServiceError(Exception):
    """The service could not do what was asked.

    The message never contains a secret of a connection, even if the service's answer did.

    ``outcome`` says whether the effect took place: ``not_done`` (safe to send again), ``done`` or ``unknown``.
    ``field`` is the setting of the connection that is wrong, if it is known.
    """

    retryable: bool = False
    """Whether another attempt may succeed."""
    default_outcome: ClassVar[Outcome] = "not_done"
    default_remedy: ClassVar[str] = "Read the message; it comes from the service."

    def __init__(
        self,
        message: str,
        *,
        service: str = "",
        remedy: str = "",
        http_status: int | None = None,
        retry_after_seconds: float | None = None,
        outcome: Outcome | None = None,
        field: str = "",
    ) -> None:
        self.message = known.in_text(message)
        super().__init__(self.message)
        self.service = service
        self.remedy = remedy or self.default_remedy
        self.http_status = http_status
        self.retry_after_seconds = retry_after_seconds
        self.outcome: Outcome = outcome or self.default_outcome
        self.field = field

    def __setattr__(self, name: str, value: Any) -> None:
        """Remove secrets from attributes set later, too: callers that know more add remedies."""
        super().__setattr__(name, known.in_text(value) if name in {"message", "remedy"} else value)


class AuthError(ServiceError):
    """The service rejects the credentials, or they lack the permission (401, 403)."""

    lacks_scope = False
    """Whether the sign-in is valid but was granted fewer scopes than this program asks for."""
    account = ""
    """The account of the sign-in, if the client knows it without a request."""

    default_remedy = (
        "Give the connection a valid key (`orchestra connections add`, or the page Connections), "
        "or grant the missing permission at the service."
    )


class NotFound(ServiceError):
    """It does not exist, or the account cannot see it (404)."""

    default_remedy = "Check the name, and that it is shared with this account."


class Conflict(ServiceError):
    """Somebody else has changed it in the meantime (409, 412)."""

    default_remedy = "Read it again, then decide."


class RateLimited(ServiceError):
    """The service asks to slow down (429, or 403 with a rate limit)."""

    retryable = True
    default_remedy = "Wait; the engine retries when the service allows it."


class Unavailable(ServiceError):
    """The service is down, unreachable or closed the connection (5xx, connection refused or cut)."""

    retryable = True
    # The request may have been carried out before the connection broke.
    default_outcome = "unknown"
    default_remedy = "Check that the service is up and reachable, then try again."


class Timeout(ServiceError):
    """No complete answer arrived within the step's time limit."""

    retryable = True
    default_outcome = "unknown"
    default_remedy = "Try again later, or raise the step's `timeout_seconds`."


class InvalidRequest(ServiceError):
    """The service does not accept the values sent (400, 413, 422)."""

    default_remedy = "Change the step's fields as the message says."


class ModelRefused(InvalidRequest):
    """A model refuses to answer, or its server holds the answer back (content filter)."""

    default_remedy = "Change the prompt or what it is asked about, or use another model."


class CodeFailed(ServiceError):
    """A person's code ended with an error; the message names the line."""

    default_remedy = "Correct the code at that line."
    line: int | None = None
    """The line, from 1; None if unknown."""


class LimitExceeded(ServiceError):
    """A person's code took more than its step allows: time, memory, processes, disk or output."""

    default_remedy = "Raise the limit that the message names, or let the code do less."


class SandboxMissing(ServiceError):
    """This machine has no sandbox for a person's code, so the code is not run."""

    default_remedy = "Install bubblewrap: `apt install bubblewrap`."


class WriteRefused(InvalidRequest):
    """The request is not a declared read of its service, and only reads may leave now: a plan is being made.

    It was not sent. It says nothing about the account, and sending it again would be refused again.
    """

    looks_like_read: bool = False
    """Whether it is a GET or HEAD, which should change nothing (RFC 9110 9.2.1)."""

    default_remedy = (
        "If it changes nothing, declare it in `reads` of the service (docs/extending.md); if it does, the step type "
        "must declare the effect `WRITES`, and a plan shows the write instead."
    )


class BadAnswer(ServiceError):
    """The answer cannot be understood (not JSON, empty, a field missing)."""

    retryable = True
    default_outcome: ClassVar[Outcome] = "unknown"
    default_remedy = "Check the connection's address; something other than the service may be answering."
    model = ""
    """For a model's answer: the model that gave it."""
    usage: Mapping[str, int] | None = None
    """For a model's answer: the tokens that are charged all the same; None if unknown."""
    is_call = False
    """For a model's answer: whether only a tool call cannot be read, which the model can make again."""


class ModelUnsure(BadAnswer):
    """A model is not sure enough of what it has chosen."""

    retryable = False  # the same question gets the same answer
    default_outcome: ClassVar[Outcome] = "not_done"
    default_remedy = "Use another model, or name others in the step's `fallback`."
    answer: Mapping[str, Any] | None = None
    """What is left of its answer, with `unsure` in the fields it is not sure of; None where one cannot be `unsure`."""


class Unreadable(BadAnswer):
    """One item (such as one mail) cannot be read, and no other is affected. Asking again returns the same."""

    retryable = False
    default_outcome = "not_done"
    default_remedy = "Open it in the service itself. If it should be readable, please report it with its source."


class OutcomeUnknown(ServiceError):
    """A write was sent, and it is unknown whether it arrived."""

    default_outcome = "unknown"
    default_remedy = "Check the service, then run `orchestra runs resume RUN --as-done` or `--redo`."
