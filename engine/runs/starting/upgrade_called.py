"""The called runs that take over the current files together with the run that called them.

A caller goes on with the runs that it called, each as it was accepted. If the mistake is in a called workflow, that run
must continue with the current file, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.base.statuses import DONE_STEPS, RunStatus
from engine.base.step_path import StepPath
from engine.base.step_tree import CALL
from engine.compiler.definition.plan import Plan
from engine.record.types.run import Run


def called_upgrades(
    run: Run, plan: Plan, read: Callable[[str], Run | None], checked: Callable[[Run], Plan]
) -> Iterator[tuple[Run, Plan]]:
    """Yield the called runs that a run goes on with and whose workflow has changed, with its current plan.

    `plan`: the current one of the run. Those that a called run has called come before it. `checked` returns the current
    plan of a run, or raises if it cannot continue with it.
    """
    for called_id in _open_calls(run, plan):
        called = read(called_id)
        if called is None or called["status"] == RunStatus.SUCCEEDED:
            continue
        current = checked(called)
        yield from called_upgrades(called, current, read, checked)
        if current.definition_hash != called["workflow_hash"]:
            yield called, current


def _open_calls(run: Run, plan: Plan) -> Iterator[str]:
    """Yield the ids of the runs that the unfinished steps of a run have called and call in this plan as well."""
    calls = {node.path for node in plan.nodes() if node.action is not None and node.action.uses == CALL}
    for step in run["steps"]:
        is_open = step["status"] not in DONE_STEPS and not step.get("handled")
        if is_open and "child_run_id" in step and StepPath.parse(step["path"]).in_workflow in calls:
            yield step["child_run_id"]
