"""A run step by step: a sentence on what happened at each, computed from its record. No model is asked.

A sentence has counts, times and states, and nothing of what was read or written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clients.wording import counted
from engine.base.clock import moment_of
from engine.base.statuses import StepStatus
from engine.people.access import Principal
from engine.people.operation import operation
from engine.record.types.run import Run
from engine.record.types.step import StepRecord, undo_of

_MOST = 1_000
_MOST_LISTS = 2


@dataclass(frozen=True)
class StoryStep:
    """A step of a run, and what happened there."""

    path: str
    id: str
    title: str
    uses: str
    """"" for a group, a loop or an item."""
    status: str
    words: str
    can_run_alone: bool
    """Whether **Run only this step** is offered for it."""
    can_be_pinned: bool
    """Whether its output can stand in for it in a test."""


@dataclass(frozen=True)
class Story:
    """A run, step by step in the order in which steps began."""

    run_id: str
    workflow: str
    status: str
    stops: list[StoryStep]
    more: int
    """How many steps are left out at the end."""


class Stories:
    """Tells runs step by step, to whoever may see them."""

    def __init__(self, run_of: Callable[[Principal, str], Run]) -> None:
        self._run_of = run_of

    @operation("copilot.story", "view", "see runs", "Read a run step by step")
    def story(self, p: Principal, run_id: str) -> Story:
        """Return a run step by step. Raises UnknownName, NotAllowed."""
        run = self._run_of(p, run_id)
        # "~" sorts after every time: what has not begun comes last.
        steps = sorted((one for one in run["steps"] if _is_told(one)), key=lambda one: one["started_at"] or "~")
        stops = [_stop(one) for one in steps[:_MOST]]
        return Story(run["run_id"], run["workflow"], str(run["status"]), stops, len(steps) - len(stops))


def _is_told(step: StepRecord) -> bool:
    """Leave out groups and items: their steps say what happened."""
    return step["uses"] is not None or "items" in step


def _stop(step: StepRecord) -> StoryStep:
    ended = step["status"] in (StepStatus.SUCCEEDED, StepStatus.FAILED)
    return StoryStep(
        step["path"],
        step["id"],
        step["title"],
        step["uses"] or "",
        str(step["status"]),
        " ".join(sentences(step)),
        can_run_alone=ended and step["uses"] is not None,
        can_be_pinned=step["status"] == StepStatus.SUCCEEDED and step["uses"] is not None,
    )


def sentences(step: StepRecord) -> list[str]:
    """Return what happened at a step, in sentences."""
    if step.get("pinned"):
        return ["It was not run: a given output was used."]
    if step.get("replayed"):
        return ["The answer of an earlier run was used instead of calling."]
    found = [_state(step), *_of_write(step), *_of_question(step)]
    if step.get("fallback"):
        found.append("Its output comes from the steps for its error.")
    elif step["error"] is not None and step.get("handled"):
        found.append("The run went on without it.")
    if step["usage"] is not None and step["usage"]["input_tokens"]:
        used = step["usage"]
        tokens = counted(used["input_tokens"] + used["output_tokens"], "token")
        cost = used["cost_usd"]
        found.append(f"A model used {tokens}." if cost is None else f"A model used {tokens}, ${cost:.4f}.")
    return found


def _state(step: StepRecord) -> str:
    status, took = step["status"], _took(step)
    if "items" in step:
        failed = " It failed: see its steps." if status == StepStatus.FAILED else ""
        return f"It went over {counted(len(step['items']), 'item')}.{took}{failed}"
    if status == StepStatus.SUCCEEDED:
        return f"It succeeded{_attempts(step)}.{took}{_sizes(step['output'])}"
    if status == StepStatus.FAILED:
        error = step["error"]
        remedy = f" {error['remedy']}" if error is not None and error["remedy"] else ""
        return f"It failed{_attempts(step)}: {error['type'] if error is not None else 'an error'}.{took}{remedy}"
    words = {
        StepStatus.SKIPPED: "It was not run: its condition did not hold, or a step that it needs was not run.",
        StepStatus.WAITING: "It waits.",
        StepStatus.RUNNING: "It is running.",
        StepStatus.PENDING: "It has not begun.",
        StepStatus.CANCELLED: "It was stopped.",
    }
    return words.get(status, f"It is {status}.")


def _took(step: StepRecord) -> str:
    if step["started_at"] is None or step["ended_at"] is None:
        return ""
    return f" It took {(moment_of(step['ended_at']) - moment_of(step['started_at'])).total_seconds():.1f} s."


def _attempts(step: StepRecord) -> str:
    count = len(step["attempts"])
    return f" at attempt {count}" if count > 1 else ""


def _sizes(output: Any) -> str:
    """Return how much came out: the lengths of the first lists."""
    if not isinstance(output, Mapping):
        return ""
    lists = [(name, one) for name, one in output.items() if isinstance(one, Sequence) and not isinstance(one, str)]
    told = [f"{len(one)} {name}" for name, one in lists[:_MOST_LISTS]]
    return f" It returned {' and '.join(told)}." if told else ""


def _of_write(step: StepRecord) -> Iterator[str]:
    effect = step["effect"]
    if effect is None:
        return
    if undo_of(step) is not None:
        yield "What it wrote has been undone since."
    elif effect["reused"]:
        yield "This had been written already: nothing was written again."
    elif effect.get("updated"):
        yield "It changed what an earlier run had written."
    elif effect.get("found"):
        yield "The service was asked, and had it already."
    else:
        yield "It wrote once."


def _of_question(step: StepRecord) -> Iterator[str]:
    approved = step.get("approved")
    if approved is not None:
        yield f"{approved['by']} approved it."
    elif step.get("scheduled") and step["status"] == StepStatus.WAITING:
        yield f"The mail goes out at {step['due_at']}, unless somebody stops it."
    elif step.get("approval") and step["status"] == StepStatus.WAITING:
        yield "A person has to answer a question."
