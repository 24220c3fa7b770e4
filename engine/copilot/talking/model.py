"""One request to the model: by the same client, meter and budgets as a step of a workflow."""

from __future__ import annotations

import concurrent.futures
from typing import Any

from engine.base.clock import Clock
from engine.base.names import new_run_id
from engine.budgets.use import Use
from engine.compiler.definition.plan import Retry
from engine.connections.accounts import Account
from engine.copilot.talking.question import ModelQuestion
from engine.plugins.step import Call, Effect, Fields, StepType
from engine.prompts.talk import note
from engine.runs.model_calls import ModelCall, ModelCalls

COPILOT = "(co-pilot)"
"""Stands where the name of a workflow would in reports of usage."""
_ONCE = Retry(attempts=1, backoff_seconds=0.0)
"""A second attempt would say the first words again; a person can ask again."""


_TEMPERATURE = 0.2
"""Of a small model: what servers take without it (0.8 in llama.cpp and Ollama) is for stories."""


class _Asking(StepType):
    """Not registered: no workflow can use it."""

    name = "copilot.ask"
    title = "Ask the co-pilot's model"
    effect = Effect.READS
    fields = Fields

    def call(self, call: Call) -> Any:
        """Return the answer of the client as it is."""
        asked: ModelQuestion = call.fields
        if asked.schema is None:
            found = call.client.chat(asked.messages, model=asked.model, tools=asked.tools, on_text=asked.on_text)
        else:
            wishes = {"max_tokens": asked.most_tokens, "temperature": _TEMPERATURE}
            found = call.client.chat_json(
                asked.messages, asked.schema, model=asked.model, parameters=wishes, on_text=asked.on_text
            )
        note(call, str(found["model"]), found["usage"])
        return found


class CopilotModel:
    """Asks models on the engine's loop; any thread."""

    def __init__(self, calls: ModelCalls, clock: Clock) -> None:
        self._calls, self._clock = calls, clock

    def ask(self, account: Account, question: ModelQuestion) -> concurrent.futures.Future[dict[str, Any]]:
        """Send a question; the future has {text, tool_calls, finish_reason, model, usage}.

        It raises ServiceError, BudgetExceeded, PriceUnknown, JournalBroken, and what `on_text` raises.
        """
        use: Use = {"workflow": COPILOT, "step": COPILOT}
        call = ModelCall(
            new_run_id(self._clock()),
            _Asking(),
            question,
            account,
            use,
            question.seconds,
            usage=question.usage,
            retry=_ONCE,
        )
        return self._calls.make(call)
