"""How a run may differ from a plain one: pinned outputs, a single step, answers of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from clients.wording import did_you_mean, listed
from engine.base.errors import InvalidInput
from engine.base.json_text import JsonObject
from engine.base.step_path import StepPath, in_workflow
from engine.compiler.definition.plan import Node, Plan
from engine.documents.schema_check import misfits
from engine.record.storable import unstorable
from engine.record.types.kind import kind_of, options_of
from engine.record.types.run import CorrectedAnswer, Receipts, RunKind, RunOptions, RunStart

RECEIPTS: tuple[Receipts, ...] = ("reuse", "update", "force")


def rerun_options(receipts: str, replay_of: str | None) -> RunOptions:
    """Return the options of a rerun, without those at their default. Raises InvalidInput."""
    way = next((one for one in RECEIPTS if one == receipts), None)
    if way is None:
        raise InvalidInput(f"Unknown value for receipts: {receipts!r}. {did_you_mean(receipts, RECEIPTS)}")
    kept: RunOptions = {} if way == "reuse" else {"receipts": way}
    return kept if replay_of is None else {**kept, "replay": replay_of}


_PIN = "Give what the step itself would put out (docs/steps.md), or take it from a run: `--from-run ID`."


def part_options(
    plan: Plan,
    pins: JsonObject | None,
    only: str | None,
    from_run: str | None,
    made_up: Mapping[str, Sequence[Any]] | None = None,
) -> RunOptions:
    """Return the options of a test run of a plan, {} for a plain run. Raises InvalidInput.

    `made_up`: the items of loops, by path; such a run writes nothing.
    """
    if from_run is not None and only is None:
        raise InvalidInput(
            "Recorded outputs stand in for the steps beside one step; name that step.",
            remedy="Say which step is to run alone, or run the whole workflow again.",
        )
    if not pins and only is None and made_up is None and from_run is None:
        return {}  # as for nearly all runs, without a look at each step
    nodes = _nodes(plan)
    for path, output in (pins or {}).items():
        _check_pin(nodes, path, output, only)
    if only is not None:
        _, step = _node(nodes, only, "A step to run alone")
        if from_run is None:
            _check_needs(nodes, only, step.in_workflow, pins or {}, made_up or {})
    asked: RunOptions = {} if only is None else {"only": only}
    if made_up is not None:
        asked = {**asked, "made_up": made_up}
    if pins:
        asked = {**asked, "pins": pins}
    return asked if from_run is None else {**asked, "from_run": from_run}


def corrected_options(plan: Plan, corrects: CorrectedAnswer, output: Any) -> RunOptions:
    """Return the options of a run that goes on from a corrected answer. Raises InvalidInput if it does not fit."""
    step = StepPath.parse(corrects["step"])
    item = next(step.items(), None)
    options: RunOptions = {"corrects": corrects, "from_run": corrects["run"], "pins": {corrects["step"]: output}}
    if item is not None:
        options = {**options, "only": str(item)}
    _check_pin(_nodes(plan), corrects["step"], output, None)
    return options


def same_part(run: RunStart, plan: Plan) -> RunOptions:
    """Return the options of a test run or a correction, checked against a plan; {} for others. Raises InvalidInput."""
    options = options_of(run)
    if kind_of(options) is RunKind.CORRECTION:
        return corrected_options(plan, options["corrects"], options["pins"][options["corrects"]["step"]])
    of_options = options.get("pins"), options.get("only"), options.get("from_run"), options.get("made_up")
    return part_options(plan, *of_options)


def refuse_in_service(options: RunOptions, started_by: str, caller: Any) -> None:
    """Refuse pins in real operation: invented outputs must not enter a run started by a trigger or another run.

    Raises InvalidInput.
    """
    kind = kind_of(options)
    is_called = caller is not None and kind is not RunKind.TRIAL  # what a trial calls is part of it
    if kind.is_test and (started_by.startswith("trigger:") or is_called):
        whose = "a trigger" if caller is None else "another run"
        raise InvalidInput(
            f"Pinned outputs and single steps are for test runs, and {whose} starts this one.",
            remedy="Start a test run by hand.",
        )


def breakpoints_of(plan: Plan, named: Sequence[str]) -> list[str]:
    """Return the paths of the steps at which a debug run of a plan pauses, in file order of the plan.

    A step is named by its path, by one of its repetitions (`each_mail[3].classify`), or by its id alone; for a group or
    loop, its first step is meant. Raises InvalidInput for a step that is not there.
    """
    nodes = _nodes(plan)
    by_id = {node.id: path for path, node in nodes.items()}
    unknown = next((one for one in named if one not in by_id and in_workflow(one) not in nodes), None)
    if unknown is not None:
        raise InvalidInput(f"There is no step {unknown!r}.", remedy=did_you_mean(unknown, [*by_id]))
    found = dict.fromkeys(_first_call(*_node(nodes, by_id.get(one, one), "A breakpoint")) for one in named)
    order = list(nodes)
    return sorted(found, key=lambda path: (order.index(in_workflow(path)), path))


def _first_call(node: Node, path: StepPath) -> str:
    """Return the path of a step, or of the first step in a group or loop."""
    while node.action is None and node.body is not None:
        node = node.body.nodes[0]
        path = path.inner(node.id)
    return str(path)


def _nodes(plan: Plan) -> dict[str, Node]:
    return {node.path: node for node in plan.nodes()}


def _node(nodes: Mapping[str, Node], path: str, what: str) -> tuple[Node, StepPath]:
    """Return the step named by a path with or without indexes. Raises InvalidInput."""
    try:
        step = StepPath.parse(path)
    except ValueError:
        raise InvalidInput(f"There is no step {path!r}.", remedy=did_you_mean(path, list(nodes))) from None
    name = step.in_workflow
    if name not in nodes:
        raise InvalidInput(f"There is no step {path!r}.", remedy=did_you_mean(name, list(nodes)))
    for item in step.items():
        around = nodes.get(item.in_workflow)
        if around is None or around.loop is None:
            raise InvalidInput(
                f"{what} is named {path!r}, but {item.step_id!r} is not a loop.", remedy=f"Write {name!r}."
            )
    return nodes[name], step


def _check_pin(nodes: Mapping[str, Node], path: str, output: Any, only: str | None) -> None:
    node, step = _node(nodes, path, "A pin")
    if step.is_item:
        raise InvalidInput(
            f"{path!r} is one item of a loop, and an output is pinned to a step.",
            remedy=f"Name a step in it, such as {path}.{_inner(node)}.",
        )
    if only is not None and _is_within(only, path):
        raise InvalidInput(
            f"{only!r} is to run, and the output of {path!r} is pinned.", remedy="Leave one of them out."
        )
    if node.loop is not None and not isinstance(output, list):
        raise InvalidInput(f"The output pinned to {path!r} does not fit: a loop gives a list.", remedy=_PIN)
    for said in unstorable(output):
        raise InvalidInput(f"The output pinned to {path!r} {said}", remedy=_PIN)
    if node.action is None:
        return
    wrong = list(islice(misfits(output, node.action.output_schema), 3))
    if wrong:
        raise InvalidInput(f"The output pinned to {path!r} does not fit: {' '.join(wrong)}", remedy=_PIN)


def _check_needs(
    nodes: Mapping[str, Node], only: str, path: str, pins: JsonObject, made_up: Mapping[str, Sequence[Any]]
) -> None:
    """Refuse a single step that needs the output of a step which does not run."""
    from engine.record.step_dependencies import outputs_needed

    pinned = {StepPath.parse(pin).in_workflow for pin in pins}
    missing = sorted(outputs_needed(nodes, path, made_up) - pinned)
    if missing:
        raise InvalidInput(
            f"{only!r} cannot run alone: it takes the output of {listed(missing)}.",
            remedy=f"Pin it (`--pin {missing[0]}=JSON`), or let the outputs of a run stand in (`--from-run ID`).",
        )


def _inner(node: Node) -> str:
    return node.body.nodes[0].id if node.body is not None else node.id


def _is_within(only: str, path: str) -> bool:
    """Return whether a pin replaces a step or something that contains it."""
    inner, outer = StepPath.parse(only), StepPath.parse(path)
    return inner == outer or inner.is_inside(outer)
