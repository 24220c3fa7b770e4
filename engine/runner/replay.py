"""What services and models answered in an earlier run, given again to the same questions; writes are never replayed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.compiler.plan import Node
from engine.connections.accounts import Account
from engine.expressions.deferred import complete
from engine.runner.attempts import Done
from engine.runner.frames import Frame
from engine.runner.ledger import arguments_hash
from engine.runs.earlier import EarlierRun, place_in


class Replay:
    """The answers of one earlier run; `prompts` are those of the run that asks now."""

    def __init__(self, earlier: EarlierRun, prompts: Mapping[str, Any]) -> None:
        self._earlier, self._prompts = earlier, prompts

    def answer(
        self, node: Node, frame: Frame, arguments: Mapping[str, Any], account: Account | None, request: dict[str, Any]
    ) -> Done | None:
        """Return the recorded answer to the same question at the same place; None: it must be asked. Blocking.

        `request` takes over what was really sent then. Raises InvalidFile where a large answer is gone.
        """
        assert node.action is not None
        step = self._earlier.step(place_in(frame, node.path))
        if step is None or step["status"] != "succeeded" or step["uses"] != node.action.uses or step["effect"]:
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
        request.update(self._earlier.loaded(step.get("request") or {}))
        return Done(self._earlier.loaded(step["output"]))

    def called_run(self, node: Node, frame: Frame) -> str | None:
        """Return the run that the same step called then, None where it called none."""
        step = self._earlier.step(place_in(frame, node.path))
        return None if step is None else step.get("child_run_id")
