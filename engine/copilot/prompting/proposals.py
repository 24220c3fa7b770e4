"""Texts proposed for a prompt, and their acceptance: the text from before is kept as a version."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from clients.errors import ServiceError
from clients.wording import listed
from engine.base.clock import Clock, timestamp
from engine.base.errors import (
    ConfirmationNeeded,
    InvalidFile,
    InvalidInput,
    OrchestraError,
    StaleEdit,
)
from engine.base.json_text import is_same
from engine.base.names import checked_name
from engine.copilot.keeping.lists import KeptLists
from engine.copilot.prompting.changes import checked_changes, sentences, ticks
from engine.copilot.prompting.records import CaseOutcome, CaseReport, PromptProposal, Testing, errors_of
from engine.copilot.proposals.records import Tick
from engine.copilot.proposals.saying import diff
from engine.outgoing.hidden_characters import shown
from engine.people.access import Principal
from engine.people.operation import operation
from engine.prompts.prompt import with_changes
from engine.prompts.prompt_cases import NO_CASES, PromptCases
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.matrix import Matrix, MatrixRequest, mark

if TYPE_CHECKING:
    from engine.prompts.prompt_files import PromptFile, PromptFiles
    from engine.runs.prompt_tries.case_tests import CaseTests


ProposalList: TypeAlias = list[PromptProposal]
Ticks: TypeAlias = list[Tick]  # inside the class below, `list` is the method
NOT_WANTED = "The cases have not been asked."
_AGREE = "Agree to it, and test the text."
_LONGEST_WHY = 2_000


class PromptProposals:
    """Each person has their own. A proposal changes nothing until a person accepts it."""

    def __init__(
        self,
        store: KeptLists[PromptProposal],
        prompts: PromptFiles,
        cases: PromptCases,
        tests: CaseTests,
        clock: Clock,
    ) -> None:
        self._store, self._prompts, self._cases, self._tests = store, prompts, cases, tests
        self._clock = clock

    @operation("copilot.propose_prompt", "edit", "propose changes", "Propose a text for a prompt")
    def make(
        self, p: Principal, prompt: str, base_etag: str, changes: object, why: str, *, from_outside: bool
    ) -> PromptProposal:
        """Store a text for a prompt; the prompt stays as it is.

        `changes`: members that are replaced (`messages`, `variables`, `output_schema`).

        Raises InvalidInput (a change), StaleEdit (`base_etag` is not the draft's), InvalidFile (the
        draft is not a JSON object), UnknownName, NotAllowed.
        """
        file = self._prompts.get(p, checked_name("prompt", prompt))
        if file.etag != base_etag:
            raise StaleEdit(f"The prompt {prompt!r} has changed.", remedy="Ask again.")
        document = file.json_object()
        checked = checked_changes(changes, document)
        return self._kept_text(p, file, checked, why, from_outside=from_outside)

    def keep(self, p: Principal, file: PromptFile, changes: dict[str, Any], why: str, tested: Matrix) -> str:
        """Store a text that has been tested against the draft, and return its id.

        An open proposal of the same text is used again. `tested` has the columns of both.
        """
        same = [one for one in self._store.list(p, file.name) if _is_of(one, file, changes)]
        made = same[-1] if same else self._kept_text(p, file, changes, why, from_outside=False)
        report = _report(tested)
        self._store.change(p, file.name, made.id, lambda one: replace(one, report=report, why=_why(why), not_tested=""))
        return made.id

    def _kept_text(
        self, p: Principal, file: PromptFile, changes: dict[str, Any], why: str, *, from_outside: bool
    ) -> PromptProposal:
        document, prompt = file.json_object(), file.name
        text = with_changes(document, changes)
        problems = self._prompts.check(p, prompt, text)
        proposal = PromptProposal(
            id=f"p-{uuid.uuid4().hex[:12]}",
            prompt=prompt,
            at=timestamp(self._clock()),
            base_etag=file.etag,
            changes=changes,
            text=text,
            why=_why(why),
            problems=problems,
            is_acceptable=not errors_of(problems),
            sentences=sentences(document, changes),
            diff=diff(f"prompts/{prompt}.json", file.text, text),
            ticks=self._ticks(p, prompt, document, changes, from_outside=from_outside),
            from_outside=from_outside,
            not_tested=NOT_WANTED,
        )
        return self._store.add(p, prompt, proposal)

    @operation("copilot.prompt_proposals", "edit", "see proposals", "List the proposals for a prompt")
    def list(self, p: Principal, prompt: str) -> ProposalList:
        """Return the person's proposals for a prompt, oldest first. Raises NotAllowed, InvalidInput."""
        return self._store.list(p, checked_name("prompt", prompt))

    @operation("copilot.prompt_proposal", "edit", "see proposals", "Read a proposal for a prompt")
    def get(self, p: Principal, prompt: str, proposal_id: str) -> PromptProposal:
        """Return a proposal. Raises UnknownName, NotAllowed, InvalidInput."""
        return self._store.get(p, checked_name("prompt", prompt), proposal_id)

    def test(
        self, p: Principal, prompt: str, proposal_id: str, testing: Testing, seconds: float | None = None
    ) -> PromptProposal:
        """Ask the prompt's cases with the draft and with the proposed one, and store how they go.

        `seconds`: how long to wait; None without an end. Raises InvalidFile (the text has errors), StaleEdit,
        ConfirmationNeeded (a real account), InUse (the prompt is being tested), InvalidInput, UnknownName.
        """
        proposal = self._open(p, prompt, proposal_id)
        if not proposal.is_acceptable:
            raise InvalidFile.of(f"prompts/{prompt}.json", errors_of(proposal.problems))
        if not self._cases.list(p, prompt):
            raise InvalidInput(NO_CASES)
        before = TriedColumn(is_draft=True, connection=testing.connection)
        after = TriedColumn(text=proposal.text, text_name="proposed text", connection=testing.connection)
        begun = self._tests.start(p, prompt, MatrixRequest((before, after)))
        matrix = self._tests.wait(p, prompt, seconds, begun["id"])
        if matrix["status"] == "running":
            matrix = self._tests.cancel(p, prompt, begun["id"])
        report = _report(matrix)
        return self._store.change(p, prompt, proposal_id, lambda one: replace(one, report=report, not_tested=""))

    def tested(self, p: Principal, prompt: str, proposal_id: str, testing: Testing, seconds: float) -> PromptProposal:
        """Test a proposal if that is wanted and possible; else the proposal says why it is not tested."""
        if not testing.is_wanted:
            return self.get(p, prompt, proposal_id)
        try:
            return self.test(p, prompt, proposal_id, testing, seconds)
        except ConfirmationNeeded as error:
            why = f"{error.message} {_AGREE}"
        except (OrchestraError, ServiceError) as error:
            why = f"{error.message} {error.remedy}".strip()
        return self._store.change(p, prompt, proposal_id, lambda one: replace(one, not_tested=why))

    def reject(self, p: Principal, prompt: str, proposal_id: str) -> PromptProposal:
        """Reject a proposal. Raises UnknownName, InvalidInput (it was accepted)."""
        self._require_open(self.get(p, prompt, proposal_id))
        return self._store.change(p, prompt, proposal_id, lambda one: replace(one, status="rejected"))

    def accept(self, p: Principal, prompt: str, proposal_id: str, ticks: Sequence[str]) -> PromptProposal:
        """Save the proposed text as the draft. The text from before is kept as a version first.

        No workflow uses the new text until a version is saved of it. `ticks`: the ids of those that were given.

        Raises InvalidInput (missing ticks: `details["ticks"]` has them), StaleEdit (the prompt has changed),
        InvalidFile (the text has errors), UnknownName, StorageError.
        """
        proposal = self._open(p, prompt, proposal_id)
        if not proposal.is_acceptable:
            raise InvalidFile.of(f"prompts/{prompt}.json", errors_of(proposal.problems))
        document = self._prompts.get(p, prompt).json_object()
        needed = self._ticks(p, prompt, document, proposal.changes, from_outside=proposal.from_outside)
        missing = [one for one in needed if one.id not in ticks]
        if missing:
            raise InvalidInput(
                f"This needs your agreement: {listed([one.words for one in missing])}",
                remedy="Tick each, and accept it again.",
                ticks=[vars(one) for one in missing],
            )
        version = self._kept(p, prompt)
        now = self._prompts.get(p, prompt)  # a version that was saved has changed the file
        if _content(now.json_object()) != _content(document):
            raise _changed(prompt)
        self._prompts.save(p, prompt, with_changes(now.json_object(), proposal.changes), now.etag)
        return self._store.change(p, prompt, proposal_id, lambda one: replace(one, status="accepted", version=version))

    def _kept(self, p: Principal, prompt: str) -> int | None:
        try:
            return self._prompts.kept(p, prompt)
        except InvalidFile:
            return None  # of a text with errors there can be no version

    def _open(self, p: Principal, prompt: str, proposal_id: str) -> PromptProposal:
        """Return an open proposal whose prompt is as it was. Raises StaleEdit, InvalidInput, UnknownName."""
        proposal = self.get(p, prompt, proposal_id)
        self._require_open(proposal)
        if self._prompts.get(p, prompt).etag != proposal.base_etag:
            self._store.change(p, prompt, proposal_id, lambda one: replace(one, status="stale"))
            raise _changed(prompt)
        return proposal

    def _require_open(self, proposal: PromptProposal) -> None:
        if proposal.status != "open":
            raise InvalidInput(f"The proposal is {proposal.status}.", remedy="Ask again.")

    def _ticks(
        self, p: Principal, prompt: str, document: dict[str, Any], changes: dict[str, Any], *, from_outside: bool
    ) -> Ticks:
        return ticks(document, changes, self._prompts.users(p, prompt), from_outside=from_outside)


def _why(words: str) -> str:
    return shown(words)[0][:_LONGEST_WHY]


def _is_of(made: PromptProposal, file: PromptFile, changes: dict[str, Any]) -> bool:
    return made.status == "open" and made.base_etag == file.etag and is_same(made.changes, changes)


def _content(document: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in document.items() if name not in ("labels", "moves", "protected", "tags")}


def _changed(prompt: str) -> StaleEdit:
    return StaleEdit(f"The prompt {prompt!r} has changed since this was proposed.", remedy="Ask again.")


def _report(matrix: Matrix) -> CaseReport:
    before, after = matrix["columns"]
    titles = {one["case"]: one["title"] for one in matrix["cases"]}
    return CaseReport(
        test_id=matrix["id"],
        status=matrix["status"],
        passed_before=before["passed"],
        passed_after=after["passed"],
        cases=[CaseOutcome(one, titles[one], mark(matrix, 0, one), mark(matrix, 1, one)) for one in matrix["order"]],
        worse=after["regressions"],
        demo=after["demo"],
        cost_usd=matrix["usage"]["cost_usd"],
        unsure_before=before.get("unsure", 0),
        unsure_after=after.get("unsure", 0),
    )
