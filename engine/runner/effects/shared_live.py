"""Model answers as they are being written by any process of the workspace, sent from one to another on request.

Whoever watches a run asks all processes for its answers every few seconds. The process that works on the run sends
them, ten times a second and from their beginning. Nothing is sent while nobody watches. A lost piece is shown as a gap;
the complete answer comes with the events of the run.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from typing import Any

from msgspec import Struct, field

from clients.secrets import known
from engine.runner.effects.live import Live, LiveAnswer
from engine.store.broadcasts import Broadcast

_TICK_SECONDS, _IDLE_SECONDS = 0.1, 0.5
_ASK_SECONDS = 4.0
_ASKED_SECONDS = 12.0
"""How long an answer is sent after a question for it, and shown after its last sign of life: two may get lost."""
_MOST_CHARACTERS = 600
"""Of a piece: as JSON, a letter takes at most 12 of the 8,000 bytes of a message (engine/store/broadcasts.py)."""
_GAP = " … "


class _Heard(Struct):
    """An answer of another process; `length` counts all of it, including lost pieces."""

    text: str = ""
    length: int = 0
    at: float = 0.0


class _Told(Struct):
    """How much of an answer was sent, and when its latest piece or sign of life was sent."""

    answer: LiveAnswer
    length: int = 0
    at: float = field(default=float("-inf"))


class SharedLive(Live):
    """The answers in progress in all processes. Thread-safe."""

    def __init__(self, channel: Broadcast, process: str) -> None:
        super().__init__()
        self._channel, self._process = channel, process
        self._wanted: dict[str, float] = {}
        """When somebody here last looked at a run."""
        self._asked: dict[str, float] = {}
        """When this process last asked for a run."""
        self._asked_for: dict[str, float] = {}
        """When another process last asked for a run."""
        self._heard: dict[str, dict[str, _Heard]] = {}
        self._told: dict[tuple[str, str], _Told] = {}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="live words", daemon=True)
        self._thread.start()

    def of(self, run_id: str) -> dict[str, str]:
        """Return {step path: text so far} for a run, wherever it is worked on; does not wait."""
        own = super().of(run_id)
        with self._lock:
            self._wanted[run_id] = time.monotonic()
            return {path: one.text for path, one in self._heard.get(run_id, {}).items()} | own

    def close(self) -> None:
        """Send and hear nothing more."""
        self._closed.set()
        self._thread.join()
        self._channel.close()

    def _work(self) -> None:
        while not self._closed.is_set():
            is_busy = bool(self._wanted or self._asked_for)
            for text in self._channel.heard(_TICK_SECONDS if is_busy else _IDLE_SECONDS):
                with suppress(ValueError, LookupError, TypeError):  # of another release
                    self._take(json.loads(text))
            messages = self._messages(time.monotonic())
            if messages:
                self._channel.tell([json.dumps({"from": self._process, **one}) for one in messages])

    def _take(self, message: dict[str, Any]) -> None:
        """Take the message of a process: somebody watches a run, a piece of an answer, or its end."""
        if message["from"] == self._process:
            return
        now, run_id = time.monotonic(), message["run"]
        with self._lock:
            if message["is"] == "ask":
                self._asked_for[run_id] = now
                self._told = {key: one for key, one in self._told.items() if key[0] != run_id or not message["new"]}
            elif message["is"] == "end":
                self._heard.get(run_id, {}).pop(message["path"], None)
            elif run_id in self._wanted:
                one = self._heard.setdefault(run_id, {}).setdefault(message["path"], _Heard())
                kept = one.text if message["at"] else ""
                gap = _GAP if message["at"] > one.length else ""
                one.text, one.length, one.at = f"{kept}{gap}{message['text']}", message["to"], now

    def _messages(self, now: float) -> list[dict[str, Any]]:
        """Return the messages to send now, and forget what is over."""
        with self._lock:
            self._forget(now)
            found = [(run_id, self._answers.get(run_id, {})) for run_id in self._asked_for]
            answers = {(run_id, path): answer for run_id, here in found for path, answer in here.items()}
            asks = [one for one in self._wanted if now - self._asked.get(one, float("-inf")) > _ASK_SECONDS]
        messages: list[dict[str, Any]] = [{"is": "ask", "run": one, "new": one not in self._asked} for one in asks]
        self._asked |= dict.fromkeys(asks, now)
        for run_id, path in [key for key in self._told if key not in answers]:
            del self._told[run_id, path]
            messages.append({"is": "end", "run": run_id, "path": path})
        for (run_id, path), answer in answers.items():
            pieces = self._pieces(run_id, path, answer, now)
            messages += [{"is": "text", "run": run_id, "path": path, **one} for one in pieces]
        return messages

    def _forget(self, now: float) -> None:
        """Forget what nobody has looked at lately, and answers without a sign of life."""
        self._wanted = _lately(self._wanted, now)
        self._asked_for = _lately(self._asked_for, now)
        self._asked = {one: at for one, at in self._asked.items() if one in self._wanted}
        heard = {one: found for one, found in self._heard.items() if one in self._wanted}
        self._heard = {one: _alive(found, now) for one, found in heard.items()}

    def _pieces(self, run_id: str, path: str, answer: LiveAnswer, now: float) -> list[dict[str, Any]]:
        """Return the next pieces of an answer; an empty one now and then, as a sign of life."""
        told = self._told.get((run_id, path))
        if told is None or told.answer is not answer:
            told = self._told[run_id, path] = _Told(answer)
        text = answer.text
        begins = range(told.length, len(text), _MOST_CHARACTERS)
        if not begins and now - told.at < _ASK_SECONDS:
            return []
        told.length, told.at = len(text), now
        ends = [min(one + _MOST_CHARACTERS, len(text)) for one in begins]
        pieces = [(one, end, known.in_text(text[one:end])) for one, end in zip(begins, ends, strict=True)]
        return [{"at": one, "to": end, "text": piece} for one, end, piece in pieces or [(len(text), len(text), "")]]


def _lately(moments: dict[str, float], now: float) -> dict[str, float]:
    return {one: at for one, at in moments.items() if now - at < _ASKED_SECONDS}


def _alive(found: dict[str, _Heard], now: float) -> dict[str, _Heard]:
    return {path: one for path, one in found.items() if now - one.at < _ASKED_SECONDS}
