"""The vector of a question that a person tries on a collection, outside any run: metered and budgeted like a try."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.base.clock import Clock
from engine.base.names import new_run_id
from engine.connections.accounts import Account
from engine.plugins.step import Call, Effect, Fields, StepType
from engine.runs.model_calls import LAB, ModelCall, ModelCalls

_GRACE_SECONDS = 5.0


class _Embedding(StepType):
    """Not registered: no workflow can use it."""

    name = "collections.try"
    title = "Try a question"
    effect = Effect.READS
    timeout_seconds = 30.0
    fields = Fields

    def call(self, call: Call) -> Any:
        """Return the vector of the question."""
        return call.client.embed([call.fields])["vectors"][0]


class QuestionVectors:
    """Asks models for the vectors of questions; any thread."""

    def __init__(self, calls: ModelCalls, clock: Clock) -> None:
        self._calls, self._clock = calls, clock

    def of(self, account: Account, question: str) -> Sequence[float]:
        """Return the vector of a question. Raises ServiceError, BudgetExceeded, PriceUnknown."""
        id_, seconds = new_run_id(self._clock()), _Embedding.timeout_seconds
        call = ModelCall(id_, _Embedding(), question, account, {"workflow": LAB, "step": LAB}, seconds)
        vector: Sequence[float] = self._calls.make(call).result(seconds + _GRACE_SECONDS)
        return vector
