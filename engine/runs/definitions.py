"""The steps of a definition by their paths, and how two definitions differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.runs.differences import ABSENT, Difference, differences

_LOOP = ("foreach", "as", "key", "item_title", "parallel", "on_item_error")


def steps_of(workflow: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every step of a workflow document by path, outer before inner, each without the steps inside it.

    A loop that calls a step type itself is two steps, as in a run: `mark` with its loop, `mark.mark` with its call.
    """
    found = dict(_steps("", workflow.get("steps") or []))
    after = workflow.get("on_failure")
    if isinstance(after, Mapping):
        found.update(_steps("on_failure.", after.get("steps") or []))
    return found


def _steps(prefix: str, steps: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for step in steps:
        path = f"{prefix}{step['id']}"
        fallback = step.get("on_error")
        own = {name: value for name, value in step.items() if name not in ("id", "steps")}
        inner = step.get("steps")
        if "foreach" in step and inner is None:
            loop = ("title", "if", "needs", "output", *_LOOP)
            yield path, {name: value for name, value in own.items() if name in loop}
            yield f"{path}.{step['id']}", {name: value for name, value in own.items() if name not in loop}
        else:
            yield path, own
        yield from _steps(f"{path}.", inner or [])
        if isinstance(fallback, Mapping):
            yield from _steps(f"{path}.", fallback.get("steps") or [])


def without_indexes(path: str) -> str:
    """Return the path of the step that stands at a run path: `each_mail.task` for `each_mail[3].task`."""
    return "".join(part.partition("]")[2] if "]" in part else part for part in path.split("["))


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Return how a definition ({workflow, prompts}) became another; steps and prompts are named in `field`."""
    before, after = steps_of(old["workflow"]), steps_of(new["workflow"])
    found: list[Difference] = []
    for path in [*before, *(path for path in after if path not in before)]:
        if path in before and path in after:
            found += differences(f"steps.{path}", before[path], after[path])
        else:
            found.append(Difference(f"steps.{path}", _uses(before, path), _uses(after, path)))
    rest = [{key: value for key, value in one["workflow"].items() if key not in _TOLD} for one in (old, new)]
    found += differences("", *rest)
    found += differences("prompts", old.get("prompts") or {}, new.get("prompts") or {})
    return found + list(differences("workflows", old.get("workflows") or {}, new.get("workflows") or {}))


_TOLD = ("steps", "on_failure")


def _uses(steps: Mapping[str, Mapping[str, Any]], path: str) -> Any:
    return steps[path].get("uses", "a group") if path in steps else ABSENT
