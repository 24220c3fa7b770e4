"""Asking a model: the caller's thread waits, and another one can stop that."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future

from engine.prompts.talk import ModelAnswer
from engine.runner.effects.live import StepAnswers
from engine.runs.model_calls import ModelCalls
from engine.runs.prompt_tries.questions import TryQuestion


class Asker:
    """Asks the questions of tries and tests; any thread."""

    def __init__(self, calls: ModelCalls) -> None:
        self._calls = calls
        self._waiting: dict[str, Future[ModelAnswer]] = {}
        self._lock = threading.Lock()
        self._is_closed = False

    def ask(self, question: TryQuestion, watch: StepAnswers | None = None) -> ModelAnswer:
        """Wait for the answer; `watch` gets it while it is written.

        Raises CancelledError once the question is stopped or this is closed, ServiceError, OrchestraError,
        JournalBroken.
        """
        with self._lock:
            if self._is_closed or question.stopped.is_set():
                raise CancelledError
            waiting = self._waiting[question.id] = self._calls.make(question.call(watch))
        try:
            answer: ModelAnswer = waiting.result()
        finally:
            if watch is not None:
                watch.close()  # the call may end later, if nobody waits for it
            with self._lock:
                del self._waiting[question.id]
        return answer

    def stop(self, question: TryQuestion) -> None:
        """Stop waiting for one answer; the model may still charge it."""
        with self._lock:
            question.stopped.set()
            waiting = self._waiting.get(question.id)
        if waiting is not None:
            waiting.cancel()

    def close(self) -> None:
        """Stop waiting for answers."""
        with self._lock:
            self._is_closed = True
            waiting = [*self._waiting.values()]
        for one in waiting:
            one.cancel()
