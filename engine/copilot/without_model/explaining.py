"""What a workflow does, in sentences, from its steps alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from clients.wording import counted
from engine.base.json_text import JsonObject
from engine.base.services import service_of
from engine.copilot.proposals.saying import starts
from engine.plugins.kind import Kind
from engine.workflows.editing.canvas_steps import CanvasStep

_DOES: Mapping[Kind | Literal["group"], str] = {
    "input": "reads",
    "output": "writes",
    "process": "works internally",
    "agent": "asks a model",
    "tool": "uses a tool",
    "group": "group",
    "unknown": "unknown type",
}
"""As the canvas says it (frontend/studio/src/ui/looks.ts)."""
_CALLS_WORKFLOW = "workflow.run"
_MOST = 60
_MOST_ERRORS = 20


def explained(document: JsonObject, steps: Sequence[CanvasStep], errors: Sequence[str] = ()) -> str:
    """Return what starts a workflow, what each step does, a line each, and the `errors` for which it cannot run."""
    lines = [f"{document.get('title') or 'This workflow'}: {document.get('description') or ''}".strip().rstrip(":")]
    lines += [f"- {one}" for one in [*_starts(document)] or ["Starts by hand."]]
    lines += [_line(one) for one in steps[:_MOST]]
    if len(steps) > _MOST:
        lines.append(f"… and {len(steps) - _MOST} more steps.")
    writes = [one.title for one in steps if one.effect == "writes"]
    if writes or not errors:
        lines.append(f"It writes in: {', '.join(writes)}." if writes else "It writes nothing.")
    if errors:
        lines += [f"It cannot run yet; it has {counted(len(errors), 'problem')}:", *errors[:_MOST_ERRORS]]
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
    given = document.get("triggers")
    for one in given if isinstance(given, list) else []:
        if isinstance(one, dict):
            yield f"{starts(one)}."


def _line(step: CanvasStep) -> str:
    depth = "  " * (step.path.count(".") + 1)
    title = step.title if step.title.endswith(("?", "!", ":")) else f"{step.title}:"
    loop = [f"it goes through {step.foreach}"] if step.foreach else []
    does = loop if loop and step.kind == "group" else [_does(step), *filter(None, [step.uses]), *loop]
    more = [f"it runs only if {step.condition}"] if step.condition else []
    return f"{depth}- {title} {', '.join([*does, *more])}"


def _does(step: CanvasStep) -> str:
    """Return what a step does, in the words of the diagram: `reads Gmail`."""
    word = "runs a workflow" if step.uses == _CALLS_WORKFLOW else _DOES[step.kind]
    if step.kind in ("input", "output") and (service := service_of(step.service)) is not None:
        return f"reads {service.title}" if step.kind == "input" else f"writes {service.title}"
    return f"{word} and writes" if step.effect == "writes" and step.kind in ("process", "tool") else word
