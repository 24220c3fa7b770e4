"""What a workflow does, in sentences, from its steps alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.base.json_text import JsonObject
from engine.copilot.proposals.saying import starts
from engine.workflows.editing.graph import CanvasStep

_EFFECTS = {"reads": "reads", "writes": "writes"}
_MOST = 60


def explained(document: JsonObject, steps: Sequence[CanvasStep]) -> str:
    """Return what starts a workflow, and what each step does, a line each."""
    lines = [f"{document.get('title') or 'This workflow'}: {document.get('description') or ''}".strip().rstrip(":")]
    lines += list(_starts(document))
    lines += [_line(one) for one in steps[:_MOST]]
    if len(steps) > _MOST:
        lines.append(f"… and {len(steps) - _MOST} more steps.")
    writes = [one.title for one in steps if one.effect == "writes"]
    lines.append(f"It writes in: {', '.join(writes)}." if writes else "It writes nothing.")
    return "\n".join(lines)


def explained_step(step: CanvasStep, problems: Sequence[str]) -> str:
    """Return what one step does, when, and what is wrong with it."""
    lines = [_line(step).strip()]
    if step.reads:
        lines.append(f"It uses the output of: {', '.join(dict.fromkeys(one.step for one in step.reads))}.")
    if step.note:
        lines.append(f"Note: {step.note}")
    return "\n".join([*lines, *problems])


def _starts(document: JsonObject) -> Iterator[str]:
    for one in document.get("triggers") or []:
        if isinstance(one, dict):
            yield f"- {starts(one)}."


def _line(step: CanvasStep) -> str:
    depth = "  " * (step.path.count(".") + 1)
    what = f" {_EFFECTS[step.effect]}," if step.effect in _EFFECTS else ""
    said = f"{depth}- {step.title}:{what} {step.uses}" if step.uses else f"{depth}- {step.title}: a group of steps"
    more = [f"for each of {step.foreach}"] if step.foreach else []
    more += [f"only if {step.condition}"] if step.condition else []
    return ", ".join([said, *more])
