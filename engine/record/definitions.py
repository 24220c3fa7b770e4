"""The steps of a definition by path, and the differences between two definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.base import step_fields
from engine.base.definitions import RunDefinition
from engine.base.step_tree import AGENT, CALL, StepDefinition, StepNode, agent_workflow, step_nodes
from engine.record.differences import ABSENT, Difference, differences

_OF_LOOPS = step_fields.names(lambda one: one.is_of_loop)
"""The fields of the loop, rather than of the call, in a step with its own `foreach`."""


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
    yield node.path, {name: value for name, value in own.items() if name in _OF_LOOPS}
    yield f"{node.path}.{node.step.id}", {name: value for name, value in own.items() if name not in _OF_LOOPS}


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
    """Yield the paths of the steps that are not in both definitions, or that call something else there."""
    before, after = steps_of(old["workflow"]), steps_of(new["workflow"])
    for path in {**before, **after}:
        step = after.get(path)
        if before.get(path) != step or (step is not None and called_by(old, step) != called_by(new, step)):
            yield path


def called_by(definition: RunDefinition, step: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a step calls, as `prompts.triage` or `workflows.enrich`; workflows with all that these call."""
    prompt, tool = str((step.get("with") or {}).get("prompt")), str(step.get("uses"))
    found: dict[str, Any] = {}
    if prompt in (prompts := definition.get("prompts") or {}):
        found[f"prompts.{prompt}"] = prompts[prompt]
    if tool in (tools := definition.get("tools") or {}):
        found[f"tools.{tool}"] = tools[tool]
    _add_workflows(definition, step, found)
    return found


def _add_workflows(definition: RunDefinition, step: Mapping[str, Any], found: dict[str, Any]) -> None:
    given = step.get("with") or {}
    name = str(given.get("workflow")) if step.get("uses") == CALL else ""
    if step.get("uses") == AGENT:
        name = agent_workflow(str(given.get("agent")))
    document = (definition.get("workflows") or {}).get(name)
    if document is not None and f"workflows.{name}" not in found:
        found[f"workflows.{name}"] = document
        for inner in steps_of(document).values():
            _add_workflows(definition, inner, found)


_TOLD = ("id", "steps", "on_failure")


def _uses(steps: Mapping[str, Mapping[str, Any]], path: str) -> Any:
    return steps[path].get("uses", "a group") if path in steps else ABSENT
