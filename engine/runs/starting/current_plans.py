"""The plan that a workflow has now, found by its name or for an earlier run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from engine.base.errors import InvalidInput
from engine.base.names import workflow_id_of
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Plan
from engine.record.types.run import Acceptance, Run
from engine.workspace.workflow_ids import WorkflowIds


class CurrentPlans(Struct, frozen=True):
    """Compiles workflows as their files are now."""

    named: Callable[[str, Mapping[str, AccountMode], str], Plan]
    """Returns the plan of a workflow in an environment, "" for the default one. Raises UnknownName, InvalidFile."""
    ids: WorkflowIds

    def of_run(self, run: Run | Acceptance, modes: Mapping[str, AccountMode]) -> Plan:
        """Return the plan of a run's workflow in the environment of the run, whatever its name is now.

        Raises UnknownName, InvalidFile, and InvalidInput if the file of that name is another workflow.
        """
        id_ = workflow_id_of(run)
        environment = run.get("environment")
        name = "" if environment is None else environment["name"]
        plan = self.named(self.ids.name(id_) or run["workflow"], modes, name)
        if plan.id != id_:
            raise InvalidInput(
                f"Run {run['run_id']} is one of the workflow with the id {id_!r}, and no file has this id; "
                f"{plan.name!r} is another workflow.",
                remedy=f'If its file was moved, add `"id": "{id_}"` to it; else start a new run.',
            )
        return plan
