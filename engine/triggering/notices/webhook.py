"""Send the messages that wait for a webhook; each at most twice, and twice only if nobody knows whether it arrived."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from clients.errors import ServiceError
from engine.base.clock import Clock, moment_of
from engine.base.errors import OrchestraError
from engine.runner.effects.fault_points import reached
from engine.store.settings import Settings
from engine.triggering.notices.channel import WAITING

_log = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 10.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 4.0, 300.0
_LOOK_SECONDS = 10.0
_KEPT = timedelta(days=1)
_UNKNOWN_MOST = 2  # a message that may have arrived is sent once more, and not again and again


class NotSent(OSError):
    """The webhook has not taken the message: it could not be reached, or has refused it."""


@dataclass
class WebhookMessages:
    """The messages that wait, which one thread of the leading server sends."""

    settings: Settings
    address: Callable[[], str | None]
    """Raises InvalidInput."""
    clock: Clock
    _look_at: float = 0.0
    _tries: dict[str, tuple[int, float]] = field(default_factory=dict)
    """How often each was tried in vain, and when to try it again."""

    def waits(self, kind: str) -> bool:
        """Return whether a message of a kind waits."""
        return bool(self.settings.with_prefix(f"{WAITING}{kind}."))

    def look_now(self) -> None:
        """Send with the next look what was stored just now."""
        self._look_at = 0.0

    def look(self) -> None:
        """Send what is due. Raises StorageError."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_SECONDS
        for key, text in sorted(self.settings.with_prefix(WAITING).items()):
            if time.monotonic() >= self._tries.get(key, (0, 0.0))[1]:
                self._handle(key, json.loads(text))

    def _handle(self, key: str, message: dict[str, Any]) -> None:
        why_not = self._given_up(message)
        if why_not:
            _log.error("a notice (%s) was dropped: %s", message["said"]["kind"], why_not)
            self._forget(key)
            return
        try:
            self._send(key, message)
        except (OrchestraError, ServiceError, OSError) as error:
            tries = self._tries.get(key, (0, 0.0))[0]
            _log.error("a notice could not be sent: %s", error)
            pause = min(_FIRST_PAUSE_SECONDS * 2**tries, _LONGEST_PAUSE_SECONDS)
            self._tries[key] = (tries + 1, time.monotonic() + pause)
        else:
            self._forget(key)

    def _given_up(self, message: Mapping[str, Any]) -> str:
        if self.address() is None:
            return "config.yaml names no webhook any more"
        if message["unknown"] >= _UNKNOWN_MOST:
            return "it was sent twice, and nobody knows whether it arrived"
        return "it has waited for a day" if self.clock() - moment_of(message["at"]) > _KEPT else ""

    def _send(self, key: str, message: dict[str, Any]) -> None:
        """Send one; until its answer is here, it counts as one that may have arrived."""
        address = self.address()
        self.settings.put(key, json.dumps({**message, "unknown": message["unknown"] + 1}))
        try:
            post(str(address), message["said"], key)
        except NotSent:
            self.settings.put(key, json.dumps(message))
            raise
        reached("after sending")

    def _forget(self, key: str) -> None:
        self.settings.remove(key)
        self._tries.pop(key, None)


def post(url: str, said: Mapping[str, str], key: str = "") -> None:
    """Send a message to a webhook, which can tell a repeat by its `key`. Raises NotSent, OSError if that is unknown."""
    import httpx

    from clients.transport import deadline, http_client

    try:
        with http_client() as http, deadline(_TIMEOUT_SECONDS):
            http.post(url, json=dict(said), headers={"Idempotency-Key": key} if key else {}).raise_for_status()
    except httpx.HTTPStatusError as error:
        raise NotSent(f"the webhook answered {error.response.status_code}") from error
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise NotSent(f"the webhook could not be reached ({type(error).__name__})") from error
    except httpx.HTTPError as error:  # its text may name the address, which can be a secret
        raise OSError(f"the webhook gave no answer ({type(error).__name__})") from error
