"""Answers of an earlier run to the same questions; writes are never answered from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from pydantic import JsonValue

from engine.base.json_text import JsonObject
from engine.base.lazy_values import complete
from engine.base.statuses import StepStatus
from engine.compiler.definition.plan import Node
from engine.record.frames import Frame
from engine.record.previous_run import EarlierRun, place_in
from engine.record.types.step import StepRecord
from engine.runner.effects.ledger import arguments_hash

if TYPE_CHECKING:
    from engine.connections.accounts import Account


class EarlierAnswer(Struct, frozen=True):
    """What a service or model answered, and what was really sent."""

    output: Any
    request: dict[str, JsonValue]


class EarlierAnswers:
    """The answers of one earlier run; `prompts` belong to the current run."""

    def __init__(self, earlier: EarlierRun, prompts: JsonObject) -> None:
        self._earlier, self._prompts = earlier, prompts

    def answer(self, node: Node, frame: Frame, arguments: JsonObject, account: Account | None) -> EarlierAnswer | None:
        """Return the recorded answer to the same question at the same place; None if there is no such answer. Blocking.

        Raises InvalidFile if the file of a large answer is gone.
        """
        assert node.action is not None
        step = self._earlier.step(place_in(frame, node.path))
        if step is None or step["status"] != StepStatus.SUCCEEDED or step["uses"] != node.action.uses or step["effect"]:
            return None
        if _is_left_out(step):
            return None
        if step.get("fallback") and step["output"] is None:
            return None
        mode = None if account is None else account.mode
        if step["connection"] != node.action.connection or self._earlier.mode(node.action.connection) != mode:
            return None
        prompt = str(arguments.get("prompt"))
        if self._earlier.prompts.get(prompt) != self._prompts.get(prompt):
            return None
        if arguments_hash(self._earlier.loaded(step["arguments"])) != arguments_hash(complete(arguments)):
            return None
        request = self._earlier.loaded(step.get("request") or {})
        return EarlierAnswer(self._earlier.loaded(step["output"]), request)

    def edits(self, node: Node, frame: Frame) -> JsonObject:
        """Return which calls the same step knew to be edited by people, by path. Blocking. Raises InvalidFile."""
        step = self._earlier.step(place_in(frame, node.path))
        arguments = None if step is None else step["arguments"]
        return self._earlier.loaded(arguments.get("edited") or {}) if isinstance(arguments, dict) else {}

    def called_run(self, node: Node, frame: Frame) -> str | None:
        """Return the run that the same step called then, or None."""
        step = self._earlier.step(place_in(frame, node.path))
        return None if step is None else step.get("child_run_id")


def _is_left_out(step: StepRecord) -> bool:
    """Return whether a plan did not make the call: then its output is a placeholder."""
    return "planned" in step
