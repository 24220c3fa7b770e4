"""The steps of a definition by path, and the differences between two definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from engine.base.definitions import RunDefinition
from engine.base.step_tree import AGENT, CALL, ON_ERROR, StepDefinition, StepNode, agent_workflow, step_nodes
from engine.record.differences import ABSENT, Difference, differences


@cache
def _of_loops() -> tuple[str, ...]:
    """Return the fields of the loop, rather than of the call, in a step with its own `foreach`."""
    from engine.compiler.definition.step_model import STEP_FIELDS  # few commands need it

    return tuple(name for name, one in STEP_FIELDS.items() if one.is_of_loop)


@cache
def _decisive_fields() -> tuple[str, ...]:
    """Return the fields on which outputs depend: what a resume needs unchanged, and the name of the account."""
    from engine.compiler.definition.step_model import STEP_FIELDS

    return (*(name for name, one in STEP_FIELDS.items() if one.is_fixed or one.is_fixed_after), "connection")


def steps_of(workflow: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every step of a workflow document by path, outer before inner, each without its inner steps.

    A loop that calls a step type directly is two steps, as in a run: `mark` with its loop, `mark.mark` with its call.
    """
    return {path: own for node in step_nodes(workflow) for path, own in _parts(node)}


def _parts(node: StepNode[StepDefinition]) -> Iterator[tuple[str, dict[str, Any]]]:
    own = {name: value for name, value in node.step.json.items() if name not in ("id", "steps")}
    if not node.step.is_loop or node.step.is_group:
        yield node.path, own
        return
    yield node.path, {name: value for name, value in own.items() if name in _of_loops()}
    yield f"{node.path}.{node.step.id}", {name: value for name, value in own.items() if name not in _of_loops()}


def changes(old: RunDefinition, new: RunDefinition) -> list[Difference]:
    """Return the changes from one definition ({workflow, prompts, …}) to another; `field` names steps and prompts."""
    before, after = steps_of(old["workflow"]), steps_of(new["workflow"])
    found: list[Difference] = []
    for path in [*before, *(path for path in after if path not in before)]:
        if path in before and path in after:
            found += differences(f"steps.{path}", before[path], after[path])
        else:
            found.append(Difference(f"steps.{path}", _uses(before, path), _uses(after, path)))
    rest = [{key: value for key, value in one["workflow"].items() if key not in _TOLD} for one in (old, new)]
    found += differences("", *rest)
    found += differences("environment", old.get("environment") or {}, new.get("environment") or {})
    found += differences("prompts", old.get("prompts") or {}, new.get("prompts") or {})
    found += differences("tools", old.get("tools") or {}, new.get("tools") or {})
    return found + list(differences("workflows", old.get("workflows") or {}, new.get("workflows") or {}))


def changed_steps(old: RunDefinition, new: RunDefinition) -> Iterator[str]:
    """Yield the paths of the steps that are not in both definitions, or whose output may differ between them."""
    before, after = steps_of(old["workflow"]), steps_of(new["workflow"])
    for path in {**before, **after}:
        was, now = before.get(path), after.get(path)
        if (
            was is None
            or now is None
            or _decisive(was) != _decisive(now)
            or callees_of(old, now) != callees_of(new, now)
        ):
            yield path


def _decisive(step: Mapping[str, Any]) -> list[Any]:
    """Return what the output of a step depends on: its own fields, and the steps in it that may replace it."""
    inside = [(child.place, child.id, _decisive(child.step.json)) for child in StepDefinition(step).inside()]
    own = {name: step[name] for name in _decisive_fields() if name in step}
    if isinstance(own.get(ON_ERROR), Mapping):  # {"steps": […]}, which `inside` has
        del own[ON_ERROR]
    return [own, inside]


def callees_of(definition: RunDefinition, step: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a step calls, directly and through workflows, as `prompts.triage`, `tools.…` or `workflows.…`."""
    found: dict[str, Any] = {}
    ahead = [step]
    while ahead:
        for kind, name in _called(ahead.pop()):
            known: Mapping[str, Any] = definition.get(kind) or {}  # type: ignore[assignment]
            if name in known and f"{kind}.{name}" not in found:
                found[f"{kind}.{name}"] = known[name]
                if kind == "workflows":
                    ahead += steps_of(known[name]).values()
    return found


def missing_workflows(definition: RunDefinition) -> list[str]:
    """Return the names of the workflows and agents that a definition calls but does not have."""
    known = definition.get("workflows") or {}
    steps = [step for one in (definition["workflow"], *known.values()) for step in steps_of(one).values()]
    called = [name for step in steps for kind, name in _called(step) if kind == "workflows"]
    return sorted(set(called) - known.keys())


def _called(step: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a step names: (member of the definition, name)."""
    given, uses = step.get("with") or {}, str(step.get("uses"))
    yield "prompts", str(given.get("prompt"))
    yield "tools", uses
    if uses == CALL:
        yield "workflows", str(given.get("workflow"))
    if uses == AGENT:
        yield "workflows", agent_workflow(str(given.get("agent")))


_TOLD = ("id", "steps", "on_failure")


def _uses(steps: Mapping[str, Mapping[str, Any]], path: str) -> Any:
    return steps[path].get("uses", "a group") if path in steps else ABSENT
