"""How a run may differ from a plain one: pinned outputs, one step alone, answers of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Literal

from engine.compiler.plan import Node, Plan
from engine.compiler.schemacheck import misfits
from engine.errors import InvalidInput
from engine.expressions.wording import did_you_mean, listed
from engine.runner.selection import Parts, parts_of
from engine.runs.needed import outputs_needed
from engine.runs.storable import unstorable
from engine.store.run_rows import is_test

Receipts = Literal["reuse", "update", "force"]
RECEIPTS = ("reuse", "update", "force")


def rerun_options(receipts: str, replay_of: str | None) -> dict[str, Any]:
    """Return the options of a rerun; absent means as ever. Raises InvalidInput."""
    if receipts not in RECEIPTS:
        raise InvalidInput(f"There is no way {receipts!r} with receipts. {did_you_mean(receipts, RECEIPTS)}")
    kept = {} if receipts == "reuse" else {"receipts": receipts}
    return kept if replay_of is None else {**kept, "replay": replay_of}


_PIN = "Give what the step itself would put out (docs/steps.md), or take it from a run: `--from-run ID`."


def part_options(plan: Plan, pins: Mapping[str, Any] | None, only: str | None, from_run: str | None) -> dict[str, Any]:
    """Return the options of a test run of a plan, {} where nothing is asked for. Raises InvalidInput."""
    if from_run is not None and only is None:
        raise InvalidInput(
            "Recorded outputs stand in for the steps beside one step; name that step.",
            remedy="Say which step is to run alone, or run the whole workflow again.",
        )
    nodes = _nodes(plan)
    for path, output in (pins or {}).items():
        _check_pin(nodes, path, output, only)
    if only is not None:
        _, parts = _node(nodes, only, "A step to run alone")
        if from_run is None:
            _check_needs(nodes, only, ".".join(name for name, _ in parts), pins or {})
    asked = {"only": only, "pins": dict(pins) if pins else None, "from_run": from_run}
    return {name: value for name, value in asked.items() if value is not None}


def same_part(run: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """Return the options of a test run, {} of any other, checked against a plan. Raises InvalidInput."""
    options = run.get("options") or {}
    return part_options(plan, options.get("pins"), options.get("only"), options.get("from_run"))


def refuse_in_service(options: Mapping[str, Any], started_by: str, caller: Any) -> None:
    """Refuse to pin what is no test: outputs that nobody made must not reach a run that a trigger or run started.

    Raises InvalidInput.
    """
    if is_test(options) and (started_by.startswith("trigger:") or caller is not None):
        whose = "a trigger" if caller is None else "another run"
        raise InvalidInput(
            f"Pinned outputs and single steps are for test runs, and {whose} starts this one.",
            remedy="Start a test run by hand.",
        )


def _nodes(plan: Plan) -> dict[str, Node]:
    return {node.path: node for node in plan.nodes()}


def _node(nodes: Mapping[str, Node], path: str, what: str) -> tuple[Node, Parts]:
    """Return the step that a path with or without indexes names. Raises InvalidInput."""
    parts = parts_of(path)
    name = ".".join(one for one, _ in parts or ())
    if parts is None or name not in nodes:
        raise InvalidInput(f"There is no step {path!r}.", remedy=did_you_mean(name or path, list(nodes)))
    for length in range(1, len(parts) + 1):
        around = nodes.get(".".join(one for one, _ in parts[:length]))
        if parts[length - 1][1] is not None and (around is None or around.loop is None):
            raise InvalidInput(
                f"{what} is named {path!r}, but {parts[length - 1][0]!r} is no loop.", remedy=f"Write {name!r}."
            )
    return nodes[name], parts


def _check_pin(nodes: Mapping[str, Node], path: str, output: Any, only: str | None) -> None:
    node, parts = _node(nodes, path, "A pin")
    if parts[-1][1] is not None:
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


def _check_needs(nodes: Mapping[str, Node], only: str, path: str, pins: Mapping[str, Any]) -> None:
    """Refuse what would fail for want of the output of a step that is left out."""
    pinned = {".".join(name for name, _ in parts_of(pin) or ()) for pin in pins}
    missing = sorted(outputs_needed(nodes, path) - pinned)
    if missing:
        raise InvalidInput(
            f"{only!r} cannot run alone: it takes the output of {listed(missing)}.",
            remedy=f"Pin it (`--pin {missing[0]}=JSON`), or let the outputs of a run stand in (`--from-run ID`).",
        )


def _inner(node: Node) -> str:
    return node.body.nodes[0].id if node.body is not None else node.id


def _is_within(only: str, path: str) -> bool:
    """Tell whether a pin stands in for a step, or for what is around it."""
    inner, outer = parts_of(only) or (), parts_of(path) or ()
    return len(outer) <= len(inner) and all(
        one[0] == other[0] and (one[1] is None or one[1] == other[1]) for one, other in zip(outer, inner, strict=False)
    )
