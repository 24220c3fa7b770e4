"""What can go wrong with a service, and what the caller must be told of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clients.errors import (
    AuthError,
    BadAnswer,
    Conflict,
    InvalidRequest,
    NotFound,
    Outcome,
    RateLimited,
    ServiceError,
    Timeout,
    Unavailable,
)

HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
CAP_BYTES = 100_000
"""To how much an answer is limited while an answer that is too large arrives."""


@dataclass(frozen=True)
class Broken:
    """A fault, as the switch takes it, and the error that every step must make of it.

    `seconds`: how long the call may still take once the fault strikes. `action` is what its remedy speaks of.
    """

    fault: Mapping[str, Any]
    error: type[ServiceError]
    outcome: Outcome
    action: str
    retry_after_seconds: float | None = None
    seconds: float | None = None
    is_oversize: bool = False
    says: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_refusal(self) -> bool:
        """Whether the service answers with an error in its own form."""
        return self.fault.get("status", 200) >= 400 and "body" not in self.fault

    def check(self, error: ServiceError, kind: type[ServiceError], service: str) -> None:
        """Compare the error of a step with what the fault means; `kind` is the error that is right here."""
        assert (type(error), error.service) == (kind, service), error.message
        assert len(error.message.split()) >= 3, error.message
        assert error.message.endswith((".", "!", "?")), error.message
        assert error.remedy.endswith(".") or error.remedy.endswith("`"), error.remedy
        if kind is not self.error:
            return
        assert error.retry_after_seconds == self.retry_after_seconds
        assert re.search(self.action, error.remedy, re.IGNORECASE), error.remedy
        if self.fault.get("status", 0) >= 400:
            assert error.http_status == self.fault["status"]
            assert str(error.http_status) in error.message


JSON = {"content-type": "application/json"}
_CREDENTIALS = "connections add|connections check|sign in|token|share|permission|scope"
_SLOWER = "wait"
_UP = "up and reachable"
_LONGER = "timeout_seconds"
_ADDRESS = "address"

FAULTS: Mapping[str, Broken] = {
    "401": Broken({"status": 401}, AuthError, "not_done", _CREDENTIALS),
    "403": Broken({"status": 403}, AuthError, "not_done", _CREDENTIALS),
    "404": Broken({"status": 404}, NotFound, "not_done", "check|share"),
    "409": Broken({"status": 409}, Conflict, "not_done", "read it again|again"),
    "422": Broken({"status": 422}, InvalidRequest, "not_done", "fields|change"),
    "429 with Retry-After": Broken({"status": 429, "retry_after": 9}, RateLimited, "not_done", _SLOWER, 9),
    "429 without Retry-After": Broken({"status": 429}, RateLimited, "not_done", _SLOWER),
    "500": Broken({"status": 500}, Unavailable, "unknown", _UP),
    "502 with HTML": Broken({"status": 502, "body": HTML}, Unavailable, "unknown", _UP),
    "timeout": Broken({"delay_seconds": 60}, Timeout, "unknown", _LONGER, seconds=0.1),
    "drip": Broken(
        {"status": 200, "body": '{"id": "1"}' * 100, "headers": JSON, "drip": 0.02},
        Timeout,
        "unknown",
        _LONGER,
        seconds=0.1,
    ),
    "cut before the effect": Broken({"cut": True}, Unavailable, "unknown", _UP),
    "cut after the effect": Broken({"cut": True, "when": "after_effect"}, Unavailable, "unknown", _UP),
    "not JSON": Broken({"status": 200, "body": HTML, "headers": JSON}, BadAnswer, "unknown", _ADDRESS),
    "empty": Broken({"status": 200, "body": "", "headers": JSON}, BadAnswer, "unknown", _ADDRESS),
    "oversize": Broken(
        {"status": 200, "body": "[" + " " * (CAP_BYTES + 1) + "]", "headers": JSON},
        BadAnswer,
        "unknown",
        _ADDRESS,
        is_oversize=True,
    ),
}
