"""Prompts and the fragments that they share, asking models with them outside of runs, and correcting their answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from engine.base.definitions import PromptDefinition
from engine.base.threads import shared_property

if TYPE_CHECKING:
    from engine.assembly.open_workspace import OpenedWorkspace
    from engine.assembly.work import RunWork
    from engine.assembly.workflow_areas import WorkflowAreas
    from engine.prompts.fragment_files import FragmentFiles
    from engine.prompts.prompt_cases import PromptCases
    from engine.prompts.prompt_files import PromptFiles
    from engine.prompts.protected import CaseProof
    from engine.runs.correcting.corrections import Corrections
    from engine.runs.prompt_tries.asking import Asker
    from engine.runs.prompt_tries.case_tests import CaseTests
    from engine.runs.prompt_tries.comparing import Comparisons
    from engine.runs.prompt_tries.model_fit import ModelFits
    from engine.runs.prompt_tries.store import KeptForm, TryStore
    from engine.runs.prompt_tries.tries import Tries
    from engine.runs.prompt_tries.try_requests import TryRequests


class PromptAreas:
    """The areas in which prompts are written and tried."""

    def __init__(self, opened: OpenedWorkspace, work: RunWork, workflows: WorkflowAreas) -> None:
        self._opened, self._work = opened, work
        self._workflows = workflows

    @shared_property
    def prompts(self) -> PromptFiles:
        """The prompts and their versions."""
        from engine.prompts.prompt_files import PromptFiles
        from engine.runs.prompt_tries.store import follow_prompt

        opened = self._opened

        def follow(name: str, new: str) -> None:
            self._workflows.drafts.follow("prompt", name, new)
            follow_prompt(opened.workspace.texts, name, new)
            self._work.consents.follow_prompt(name, new)
            self._workflows.kept_by_copilot.follow_prompt(name, new)

        examples = self._work.right_answers.examples
        return PromptFiles(opened.prompt_store, opened.audit, follow, self._proved, examples, opened.clock)

    def _proved(self, name: str, document: PromptDefinition) -> CaseProof:
        """Test a text with the cases of a prompt, by recorded answers alone."""
        from engine.prompts.cases import CaseStore
        from engine.runs.prompt_tries.case_proof import case_proof
        from engine.runs.prompt_tries.cells import Cells

        cases = CaseStore(self._opened.workspace.prompts)
        return case_proof(name, document, cases, self.try_requests, Cells(self._asker, self._opened.clock))

    @shared_property
    def model_fits(self) -> ModelFits:
        """How well the models of workflows do what their prompts ask."""
        from engine.prompts.cases import CaseStore
        from engine.runs.prompt_tries.cells import Cells
        from engine.runs.prompt_tries.model_fit import ModelFits

        cases, cells = CaseStore(self._opened.workspace.prompts), Cells(self._asker, self._opened.clock)
        return ModelFits(cases, self.try_requests, cells, self._work.trigger_context.model_of)

    @shared_property
    def fragments(self) -> FragmentFiles:
        """The fragments that prompts share."""
        from engine.prompts.fragment_files import FragmentFiles

        follow = partial(self._workflows.drafts.follow, "fragment")
        return FragmentFiles(self._opened.prompt_store.fragments, self._opened.audit, follow)

    @shared_property
    def try_requests(self) -> TryRequests:
        """Makes questions of what people want to try."""
        from engine.runs.prompt_tries.recorded import RecordedCalls
        from engine.runs.prompt_tries.try_requests import TryRequests

        opened, work = self._opened, self._work
        return TryRequests(
            opened.prompt_store,
            opened.accounts,
            RecordedCalls(work.runs, opened.logs.blobs),
            opened.modes.of,
            opened.connections.require_ready,
            opened.clock,
            work.own_process,
            work.right_answers,
        )

    @shared_property
    def _asker(self) -> Asker:
        from engine.runs.prompt_tries.asking import Asker

        return Asker(self._work.model_calls)

    def _kept(self, form: KeptForm) -> TryStore[Any]:
        from engine.runs.prompt_tries.store import TryStore

        opened = self._opened
        return TryStore(form, opened.workspace.texts, opened.state.owners, self._work.own_process, opened.clock)

    @shared_property
    def tries(self) -> Tries:
        """Questions to models outside of runs."""
        from engine.runs.prompt_tries.store import TRIES
        from engine.runs.prompt_tries.tries import Tries

        opened, work = self._opened, self._work
        records = self._kept(TRIES)
        return opened.to_close(
            Tries(work.worker, self.try_requests, work.consents, self._asker, records, opened.audit, opened.clock)
        )

    @shared_property
    def comparisons(self) -> Comparisons:
        """The same values asked in several columns."""
        from engine.runs.prompt_tries.comparing import Comparisons

        return Comparisons(self.tries, self.try_requests, self._opened.clock)

    @shared_property
    def cases(self) -> PromptCases:
        """The cases of prompts."""
        from engine.prompts.cases import CaseStore
        from engine.prompts.prompt_cases import PromptCases

        def models() -> list[str]:
            return self.try_requests.connections()

        return PromptCases(CaseStore(self._opened.workspace.prompts, models), self._opened.audit)

    @shared_property
    def case_tests(self) -> CaseTests:
        """Tests of prompts with their cases."""
        from engine.prompts.cases import CaseStore
        from engine.runs.prompt_tries.case_tests import CaseTests
        from engine.runs.prompt_tries.store import TESTS

        opened, work = self._opened, self._work
        tests = CaseTests(
            self.try_requests,
            work.consents,
            self._asker,
            CaseStore(opened.workspace.prompts),
            self._kept(TESTS),
            opened.audit,
            opened.clock,
        )
        return opened.to_close(tests)

    @shared_property
    def corrections(self) -> Corrections:
        """Answers of models in runs that a person has found wrong."""
        from engine.runs.correcting.corrections import Corrections
        from engine.runs.correcting.lesson import Lessons
        from engine.runs.prompt_tries.recorded import RecordedCalls

        opened, work = self._opened, self._work
        return Corrections(
            work.worker,
            opened.logs,
            opened.audit,
            opened.clock,
            work.runs,
            work.current_plans,
            work.acceptor,
            Lessons(self.cases, RecordedCalls(work.runs, opened.logs.blobs)),
        )
