"""Walk through a plan with the outputs that a run has recorded: expressions are evaluated, and nothing is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct, field

from engine.base.errors import ExpressionError, OrchestraError
from engine.base.expression_limits import costly
from engine.base.lazy_values import NotKnownYet, Unknown, opened
from engine.base.statuses import StepStatus
from engine.base.wording import kind_of
from engine.compiler.definition.plan import Action, Block, Node, Plan
from engine.expressions.expressions import Template, render, render_field
from engine.plugins.step import Effect
from engine.record.acceptance import checked_inputs
from engine.record.frames import Caught, Frame, Record, RunName
from engine.record.previous_run import EarlierRun, place_in
from engine.record.types.run import Run
from engine.record.types.step import StepRecord
from engine.record.values import Values
from engine.runner.execution.concurrency import outputs_of
from engine.runner.execution.loops import item_keys
from engine.runs.trials.prediction import FieldValue, RepeatedStep, Will, plain_name, shortened, text_of
from engine.store.blobs.blobs import Blobs

_SECONDS = 10.0
"""The limit for all costly expressions together."""
_MOST_ITEMS = 100
"""The most items of a loop that are predicted; the output of a longer loop is unknown."""
_MOST_STEPS = 5_000
"""The most steps that are predicted, all loops together; further items are left out."""
_MOST_CASES = 3
_ENDS = frozenset({"flow.stop", "flow.fail"})


class Cases(Struct):
    """The repetitions of a step: how many would do what, and the first of them."""

    counts: Counter[Will] = field(default_factory=Counter)
    first: list[RepeatedStep] = field(default_factory=list)


class _Over(Exception):
    """The run would end here."""


class Rehearsal:
    """Evaluates a plan with the inputs and outputs of a run; items of loops are matched by their keys."""

    def __init__(self, plan: Plan, run: Run, blobs: Blobs) -> None:
        self._plan, self._run = plan, run
        self._values, self._earlier = Values(blobs, run["run_id"]), EarlierRun(run, blobs)
        self._found: dict[str, Cases] = {}
        self._left = _MOST_STEPS

    def cases(self) -> Mapping[str, Cases]:
        """Return the repetitions of each step that would be reached, by its path in the workflow.

        Raises InvalidInput if the plan does not take the inputs of the run.
        """
        run: RunName = {"id": self._run["run_id"], "started_at": self._run["started_at"]}
        taken = self._plan.inputs_schema.get("properties", {})
        given = {name: value for name, value in self._run["inputs"].items() if name in taken}
        inputs = checked_inputs(self._plan, self._values.loaded(given))
        names = {**self._plan.root_names, "inputs": inputs, "run": run, "steps": {}}
        with costly(_SECONDS), suppress(_Over):
            self._block(self._plan.block, Frame(names))
        return self._found

    def _block(self, block: Block, frame: Frame) -> None:
        for node in block.nodes:
            self._left -= 1
            frame.steps[node.id] = self._node(node, frame)

    def _node(self, node: Node, frame: Frame) -> Record:
        case = RepeatedStep(
            frame.text_of(node), (frame.turns[-1].key or str(frame.turns[-1].index)) if frame.turns else ""
        )
        try:
            if not self._holds(node, frame, case):
                case.will = Will.SKIP
                return {"status": StepStatus.SKIPPED.value}
            if node.action is not None:
                return self._call(node, node.action, frame, case)
            output = self._loop(node, frame, case) if node.loop is not None else self._group(node, frame)
            return {"status": StepStatus.SUCCEEDED.value, "output": output}
        except NotKnownYet as error:
            case.will, case.why = Will.UNKNOWN, _unknown_words(error)
        except OrchestraError as error:
            case.will, case.why = Will.FAIL, error.message
            return self._failed(node, frame, error.message, type(error).__name__)
        finally:
            self._keep(node, case)
        return _unknown(node)

    def _keep(self, node: Node, case: RepeatedStep) -> None:
        """Keep a case. A loop that only repeats a call is one step of the file: it has the cases of the call."""
        if _repeats_a_call(node) and case.will is Will.RUN and node.path in self._found:
            return
        around, _, last = node.path.rpartition(".")
        path = around if around.rpartition(".")[2] == last else node.path
        cases = self._found.setdefault(path, Cases())
        cases.counts[case.will] += 1
        if len(cases.first) < _MOST_CASES:
            cases.first.append(case)

    def _holds(self, node: Node, frame: Frame, case: RepeatedStep) -> bool:
        if isinstance(node.condition, bool):
            return node.condition
        value = opened(render(node.condition, frame.names))
        if not isinstance(value, bool):
            raise ExpressionError(f"'if' is {kind_of(value)}, not true or false.")
        case.fields.append(FieldValue("if", text_of(value)))
        return value

    # --- a call

    def _call(self, node: Node, action: Action, frame: Frame, case: RepeatedStep) -> Record:
        known = self._earlier.step(place_in(frame, node.path))
        arguments = self._arguments(action, frame, case, known)
        if case.will is Will.FAIL:
            raise ExpressionError(case.why)
        if action.uses in _ENDS:
            raise _Over
        if _is_named_values(action):
            [name] = action.step_type.hands_on
            output = arguments.get(name)
        elif known is not None and known["status"] == StepStatus.FAILED:
            error = known.get("error") or {"message": "", "type": ""}
            case.why = f"In this run it failed: {error['message']}"
            return self._failed(node, frame, error["message"], error["type"])
        else:
            output = self._recorded(node, known, case)
        case.output = None if isinstance(output, Unknown) else shortened(text_of(output))
        return {"status": StepStatus.SUCCEEDED.value, "output": output}

    def _arguments(self, action: Action, frame: Frame, case: RepeatedStep, known: StepRecord | None) -> dict[str, Any]:
        """Return the fields of a call that have a value; the case gets those with expressions."""
        before = (known.get("arguments") if known is not None else None) or {}
        found: dict[str, Any] = {}
        for name, tree in action.arguments.items():
            try:
                found[name] = value = render_field(name, tree, frame.names)
            except OrchestraError as error:
                case.will, case.why = Will.FAIL, f"{name}: {error.message}"
                case.fields.append(FieldValue(name, None, why=error.message))
            else:
                text, was = text_of(value), text_of(self._values.live(before[name])) if name in before else None
                if _has_expression(tree) or (was is not None and was != text):
                    old = shortened(was) if was is not None and was != text else None
                    case.fields.append(FieldValue(name, shortened(text), old))
        return found

    def _recorded(self, node: Node, known: StepRecord | None, case: RepeatedStep) -> Any:
        """Return the output that the run has recorded; Unknown if it has none."""
        if known is not None and known["status"] == StepStatus.SUCCEEDED and "planned" not in known:
            return self._values.live(known["output"])
        case.why = f"Run {self._run['run_id']} has no output of it."
        return Unknown.of(f"steps.{node.id}.output")

    def _failed(self, node: Node, frame: Frame, message: str, kind: str) -> Record:
        """Return the record of a step that would fail, or failed in the run, as its `on_error` says."""
        error: Caught = {"type": kind, "message": message, "step": frame.text_of(node)}
        if node.fallback is not None:
            inner = frame.inside(node, {"error": error})
            self._block(node.fallback, inner)
            last = inner.steps[node.fallback.nodes[-1].id]
            done: Record = {"status": StepStatus.SUCCEEDED.value}
            return {**done, "output": last["output"]} if last.get("output") is not None else done
        if node.on_error == "continue":
            return {"status": StepStatus.FAILED.value, "error": error}
        return _unknown(node)

    # --- groups and loops

    def _group(self, node: Node, frame: Frame) -> Any:
        assert node.body is not None
        inner = frame.inside(node)
        self._block(node.body, inner)
        return render_field("output", node.output, inner.names) if node.has_output else outputs_of(node.body, inner)

    def _loop(self, node: Node, frame: Frame, case: RepeatedStep) -> Any:
        loop, body = node.loop, node.body
        assert loop is not None
        assert body is not None
        items = opened(render(loop.items, frame.names))
        if not isinstance(items, list):
            raise ExpressionError(f"'foreach' is {kind_of(items)}, not a list.")
        case.fields.append(FieldValue("foreach", "1 item" if len(items) == 1 else f"{len(items)} items"))
        some = items[:_MOST_ITEMS]
        found = []
        for index, (item, key) in enumerate(zip(some, item_keys(loop, frame, some), strict=True)):
            if self._left <= 0:
                break
            turn = frame.turn(node, loop, index, item, key)
            self._block(body, turn)
            outputs = outputs_of(body, turn)
            if node.has_output:
                outputs["output"] = render_field("output", node.output, turn.names)
            status = StepStatus.SUCCEEDED.value
            found.append({"key": turn.names["key"], "status": status, "error": None, **outputs})
        if len(found) == len(items):
            return found
        case.why = f"Of its items, the first {len(found)} are predicted."
        return Unknown.of(f"steps.{node.id}.output")


def _repeats_a_call(node: Node) -> bool:
    return node.body is not None and [one.id for one in node.body.nodes] == [node.id]


def _is_named_values(action: Action) -> bool:
    """Return whether the output of a call is one of its fields, as for `flow.set`."""
    kind = action.step_type
    return kind.is_for_output and kind.effect == Effect.PURE and len(kind.hands_on) == 1


def _has_expression(tree: Any) -> bool:
    if isinstance(tree, dict):
        return any(map(_has_expression, tree.values()))
    return any(map(_has_expression, tree)) if isinstance(tree, list) else isinstance(tree, Template)


def _unknown(node: Node) -> Record:
    return {"status": Unknown.of(f"steps.{node.id}.status"), "output": Unknown.of(f"steps.{node.id}.output")}


def _unknown_words(error: NotKnownYet) -> str:
    return f"It depends on {plain_name(error.source)}, which is not known."
