"""What can go wrong with an outside service, in the same words for every service."""

from __future__ import annotations

from typing import ClassVar, Literal

Outcome = Literal["not_done", "done", "unknown"]


class ServiceError(Exception):
    """The service could not do what was asked.

    ``outcome`` says what is known of the effect: ``not_done`` (safe to send again), ``done`` or ``unknown``.
    """

    retryable: ClassVar[bool] = False
    default_outcome: ClassVar[Outcome] = "not_done"
    default_remedy: ClassVar[str] = "Look at the message; it is the service's own."

    def __init__(
        self,
        message: str,
        *,
        service: str = "",
        remedy: str = "",
        http_status: int | None = None,
        retry_after_seconds: float | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.service = service
        self.remedy = remedy or self.default_remedy
        self.http_status = http_status
        self.retry_after_seconds = retry_after_seconds
        self.outcome: Outcome = outcome or self.default_outcome


class AuthError(ServiceError):
    """The service refuses the credentials, or they do not reach this far (401, 403)."""

    lacks_scope = False
    """Whether the sign-in is good, but was granted less than this program asks for."""
    account = ""
    """Whose sign-in it is, where the client knows that without asking."""

    default_remedy = (
        "Give the connection a key that is good (`orchestra connections add`, or the page Connections), "
        "or allow at the service what it lacks."
    )


class NotFound(ServiceError):
    """The thing does not exist, or the account cannot see it (404)."""

    default_remedy = "Check the name, and that it is shared with this account."


class Conflict(ServiceError):
    """The thing was changed by someone else meanwhile (409, 412)."""

    default_remedy = "Read it again, then decide."


class RateLimited(ServiceError):
    """The service asks to slow down (429, or 403 with a rate limit)."""

    retryable = True
    default_remedy = "Wait; the engine tries again when the service allows it."


class Unavailable(ServiceError):
    """The service is down, unreachable or broke off (5xx, connection refused or cut)."""

    retryable = True
    default_outcome = "unknown"
    default_remedy = "Check that the service is up and reachable, then try again."


class Timeout(ServiceError):
    """No whole answer came within the step's time."""

    retryable = True
    default_outcome = "unknown"
    default_remedy = "Try again when the service is faster, or give the step more `timeout_seconds`."


class InvalidRequest(ServiceError):
    """The service does not accept the values sent (400, 413, 422)."""

    default_remedy = "Change the step's fields as the message says."


class BadAnswer(ServiceError):
    """The answer cannot be understood (not JSON, empty, a field missing)."""

    retryable = True
    default_outcome = "unknown"
    default_remedy = "Check the connection's address; something else than the service may be answering."


class OutcomeUnknown(ServiceError):
    """A write was sent and nobody can say whether it arrived."""

    default_outcome = "unknown"
    default_remedy = "Look at the service, then `orchestra runs resume RUN --as-done` or `--redo`."
