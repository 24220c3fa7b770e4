"""What is done again from a corrected answer, as far as it is known before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct, field

from engine.base.errors import OrchestraError
from engine.base.lazy_values import NotKnownYet, Unknown, opened
from engine.base.statuses import StepStatus
from engine.base.step_path import PathPart, StepPath
from engine.compiler.definition.plan import Block, Node, Plan
from engine.expressions.expressions import render
from engine.plugins.step import Effect
from engine.record.parts.answer_effects import waited_for

Verdict = Literal["runs", "may run", "does not run", "kept"]


@dataclass(frozen=True)
class Again:
    """A step after the answer that writes, asks a model or asks a person."""

    path: str
    """In the run; of a step in an inner loop, with the loop's path."""
    title: str
    uses: str
    verdict: Verdict
    """`kept`: it does not depend on the answer, and what it wrote stays as it is."""


class _Scene(Struct):
    """What is known while the plan is followed to the answer."""

    names: dict[str, Any]
    outputs: Mapping[str, Any]
    """Of the steps of the earlier run that succeeded, by run path."""
    made: frozenset[str]
    """The writes of the earlier run that stay, by run path."""
    before: frozenset[str]
    found: list[Again] = field(default_factory=list)


def again(
    plan: Plan, step: StepPath, names: dict[str, Any], answer: Any, outputs: Mapping[str, Any], made: frozenset[str]
) -> list[Again]:
    """Return the steps after a corrected answer, in order.

    `names`: `inputs` and `run`; `outputs`: of the earlier run's steps by run path; `made`: writes that stay.
    """
    before = waited_for(plan, step.in_workflow) or frozenset()
    scene = _Scene({**names, "steps": {}}, outputs, made, before)
    _follow(scene, plan.block, step, 0, answer)
    return scene.found


def _follow(scene: _Scene, block: Block, step: StepPath, depth: int, answer: Any) -> None:
    """Go down to the answer, then list what comes after it in each block, the innermost first."""
    part, around = step.parts[depth], StepPath(step.parts[:depth]) if depth else None
    steps, node = scene.names["steps"], next(one for one in block.nodes if one.id == part.id)
    for one in block.nodes:
        path = one.id if around is None else str(around.inner(one.id))
        if one.path in scene.before:
            steps[one.id] = _recorded(scene, path)
    if depth == len(step.parts) - 1:
        steps[part.id] = {"status": StepStatus.SUCCEEDED.value, "output": answer}
    else:
        outer = scene.names
        scene.names = {**outer, **_item(scene, node, part), "steps": dict(steps)}
        assert node.body is not None
        _follow(scene, node.body, step, depth + 1, answer)
        scene.names = outer
        steps[part.id] = _unknown()
    if _has_item(step.parts[depth:]) and not _has_item(step.parts[:depth]):
        return  # steps after the item are not done again
    for one in block.nodes:
        if one.id != part.id and one.path not in scene.before:
            steps[one.id] = _behind(scene, one, one.id if around is None else str(around.inner(one.id)), is_sure=True)


def _behind(scene: _Scene, node: Node, path: str, *, is_sure: bool) -> dict[str, Any]:
    """List a step behind the answer, with those inside; return its record as the steps after it see it."""
    holds = _holds(node, scene.names)
    verdict: Verdict = "does not run" if holds is False else "runs" if holds and is_sure else "may run"
    if path in scene.made:
        verdict = "kept"
    if node.action is not None and _is_told(node):
        scene.found.append(Again(path, node.title or node.id, node.action.uses, verdict))
    for inner in _inside(node):
        if verdict != "does not run":
            _behind(scene, inner, f"{path}.{inner.id}", is_sure=False)
    return {"status": StepStatus.SKIPPED.value} if holds is False else _unknown()


def _holds(node: Node, names: Mapping[str, Any]) -> bool | None:
    """Return whether `if` holds; None if that is not known."""
    if node.condition is True:
        return True
    try:
        value = opened(render(node.condition, names))
    except (NotKnownYet, OrchestraError):
        return None
    return value if isinstance(value, bool) else None


def _is_told(node: Node) -> bool:
    action = node.action
    assert action is not None
    return action.step_type.effect is Effect.WRITES or action.uses.startswith(("llm.", "flow.approve", "workflow."))


def _inside(node: Node) -> Iterator[Node]:
    for block in (node.body, node.fallback):
        yield from block.nodes if block is not None else ()


def _has_item(parts: Sequence[PathPart]) -> bool:
    return any(one.item is not None for one in parts)


def _item(scene: _Scene, node: Node, part: PathPart) -> dict[str, Any]:
    """Return the names of an item of a loop; nothing for a group."""
    if node.loop is None or part.item is None:
        return {}
    try:
        items = opened(render(node.loop.items, scene.names))
        item = items[part.item]
    except (NotKnownYet, OrchestraError, LookupError, TypeError):
        item = Unknown.of(node.loop.name)
    return {node.loop.name: item, "index": part.item, "key": Unknown.of("key")}


def _recorded(scene: _Scene, path: str) -> dict[str, Any]:
    if path not in scene.outputs:
        return _unknown()
    return {"status": StepStatus.SUCCEEDED.value, "output": scene.outputs[path]}


def _unknown() -> dict[str, Any]:
    return {"status": Unknown.of("status"), "output": Unknown.of("output")}
