"""Assemble the co-pilot of a process from the parts of the workspace that it is about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.base.clock import Clock
from engine.base.errors import InvalidInput
from engine.base.names import branch_parts
from engine.compiler.definition.plan import Plan
from engine.connections.accounts import Accounts
from engine.connections.modes import Modes
from engine.copilot.copilot import Copilot
from engine.copilot.fixes.fixes import Fixes
from engine.copilot.prompting.prompting import Prompting
from engine.copilot.prompting.proposals import PromptProposals
from engine.copilot.proposals.computing import Computing
from engine.copilot.proposals.demo_runs import DemoRuns
from engine.copilot.proposals.proposals import Conversations, Proposals
from engine.copilot.proposals.restoring import Restoring
from engine.copilot.stepping.stories import Stories
from engine.copilot.store import CopilotStore
from engine.copilot.talking.consents import ModelConsents
from engine.copilot.talking.model import CopilotModel
from engine.copilot.talking.setup import Setups
from engine.copilot.talking.talking import Talking, TalkingDependencies
from engine.copilot.talking.turns import Turns
from engine.copilot.without_model.without_model import WithoutModel
from engine.copilot.wizard.wizard import Wizard
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.prompts.prompt_cases import PromptCases
from engine.prompts.prompt_files import PromptFiles
from engine.record.types.run import Run
from engine.runs.prompt_tries.tuning import PromptTuning
from engine.runs.runs import Runs
from engine.store.settings import Settings
from engine.workflows.compiled_files import CompiledFiles
from engine.workspace.config import LoadedConfig
from engine.workspace.step_renames import StepRenames
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.runs.model_calls import ModelCalls
    from engine.runs.prompt_tries.case_tests import CaseTests
    from engine.runs.prompt_tries.try_requests import TryRequests
    from engine.runs.trials.trials import Trials
    from engine.workflows.editing.editing import WorkflowEditing
    from engine.workflows.workflow_files import WorkflowFiles


class CopilotDependencies(Struct, frozen=True):
    """What the parts are built from."""

    kept: CopilotStore
    clock: Clock
    workspace: Workspace
    config: Callable[[], LoadedConfig]
    settings: Settings
    editing: WorkflowEditing
    workflows: WorkflowFiles
    compiled: CompiledFiles
    plan: Callable[[str, str], Plan]
    """Returns the plan of a text of a workflow."""
    renames_since: Callable[[str, str], StepRenames]
    """Returns the steps renamed in the file of a workflow since a time, oldest first."""
    trials: Trials
    runs: Runs
    connections: Callable[[], Mapping[str, str]]
    """Returns the service of each connection, by name."""
    ready_services: Callable[[], Collection[str]]
    """Returns the services with a connection that lacks nothing."""
    prompts: PromptFiles
    cases: PromptCases
    case_tests: CaseTests
    try_requests: TryRequests
    modes: Modes
    accounts: Accounts
    model_calls: ModelCalls
    audit: Audit


def assembled(needs: CopilotDependencies) -> Copilot:
    """Return the co-pilot."""
    kept, editing, clock, names = needs.kept, needs.editing, needs.clock, needs.workspace.workflows.names
    computing = Computing(needs.workflows, needs.compiled)
    demo_runs = DemoRuns(needs.plan, needs.trials, needs.runs, needs.connections)
    restoring = Restoring(kept.before, editing, clock, needs.renames_since)
    turns = Turns(kept.turns, clock)
    said = Conversations(lambda p, workflow: turns.conversation(p, workflow).from_outside, kept.turns.kept_over)
    proposals = Proposals(kept.proposals, editing, needs.workflows, computing, demo_runs, restoring, clock, said)
    wizard = Wizard(needs.workflows, needs.ready_services)
    fixes = Fixes(editing, proposals, needs.compiled, names, needs.workspace.prompts.names)
    without_model = WithoutModel(proposals, editing, fixes, _failed_runs(needs.runs))
    talking, prompting = _talking(needs, proposals, without_model, turns)
    stories = Stories(needs.runs.get)
    return Copilot(proposals, restoring, without_model, talking, wizard, fixes, prompting, stories)


def _talking(
    needs: CopilotDependencies, proposals: Proposals, without_model: WithoutModel, turns: Turns
) -> tuple[Talking, Prompting]:
    runs, connections = needs.runs, needs.connections
    failed = _failed_runs(runs)
    ground = TalkingDependencies(
        proposals, without_model, needs.editing, needs.workflows, runs.get, failed, lambda: dict(connections())
    )
    setups = Setups(needs.config, needs.modes.of, needs.accounts.open, ModelConsents(needs.settings))
    model = CopilotModel(needs.model_calls, needs.clock)
    texts = PromptProposals(needs.kept.prompt_proposals, needs.prompts, needs.cases, needs.case_tests, needs.clock)
    tuning = PromptTuning(texts.keep, needs.prompts, needs.cases, needs.case_tests, needs.try_requests, needs.config)
    prompting = Prompting(texts, tuning, needs.prompts, needs.cases, setups, model, turns)
    return Talking(setups, model, turns, ground, needs.audit), prompting


def _failed_runs(runs: Runs) -> Callable[[Principal, str, str], Run | None]:
    """Return the function that returns a run of a workflow; without an id the last one, if it has failed."""

    def failed_run(p: Principal, workflow: str, run_id: str) -> Run | None:
        if run_id:
            run = runs.get(p, run_id)
            if branch_parts(run["workflow"])[0] != branch_parts(workflow)[0]:
                raise InvalidInput(
                    f"The run {run_id!r} is one of {run['workflow']!r}, and not of {workflow!r}.",
                    remedy="`orchestra runs list` shows which there are.",
                    field="run_id",
                )
            return run
        last = runs.list_now(p, workflow=workflow, limit=1).rows
        return runs.get(p, last[0].run_id) if last and last[0].status == "failed" else None

    return failed_run
