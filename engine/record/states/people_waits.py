"""How long an agent has waited for people: its own time limit, and its caller's, do not count this."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.base.clock import moment_of
from engine.base.step_tree import AGENT_PREFIX
from engine.record.types.run import Run
from engine.record.types.step import StepRecord


def people_wait(run: Run, now: datetime) -> timedelta:
    """Return how long an agent, and the agents that it called, have waited for people; zero for a workflow's run.

    An agent makes one call at a time, so the waits of its steps do not overlap.
    """
    if not run["workflow"].startswith(AGENT_PREFIX):
        return timedelta()
    return sum((step_people_wait(one, now) for one in run["steps"]), timedelta())


def step_people_wait(step: StepRecord, now: datetime) -> timedelta:
    """Return how long a step of an agent has waited for people: itself, or the agent that it called."""
    began, approved = step.get("waited"), step.get("approved")
    if not began or not (approved or step.get("approval")):
        return timedelta(seconds=step.get("people_wait_seconds", 0))
    output = step["output"]
    if approved and not step.get("scheduled"):  # that a mail was held after it counts, too
        answered: str | None = approved["at"]
    else:
        answered = (isinstance(output, dict) and output.get("at")) or step["ended_at"]
    return max(timedelta(), (moment_of(answered) if answered else now) - moment_of(began[0]))
