"""The `copilot.proposals` area: changes proposed for a person's draft, and their acceptance."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from clients.wording import listed
from engine.base.clock import Clock, timestamp
from engine.base.errors import EditConflict, InvalidFile, InvalidInput, StaleEdit, UnknownName
from engine.base.json_text import JsonObject, is_same
from engine.base.names import checked_workflow
from engine.base.step_tree import step_nodes
from engine.copilot.keeping.lists import KeptLists
from engine.copilot.proposals.facts import missing
from engine.copilot.proposals.records import LONGEST_TRY_SECONDS, ModelUse, Proposal, Source, Status
from engine.documents.json_file import parse
from engine.files import atomic as files
from engine.outgoing.hidden_characters import shown
from engine.people.access import Principal
from engine.people.operation import operation
from engine.workflows.editing.applying import Applied
from engine.workspace.blanks import blank_workflow, title_of

if TYPE_CHECKING:
    from engine.copilot.proposals.computing import Computing, OperationFacts
    from engine.copilot.proposals.demo_runs import DemoRuns
    from engine.copilot.proposals.restoring import Restoring
    from engine.workflows.editing.editing import Edited, WorkflowEditing
    from engine.workflows.workflow_files import WorkflowFiles

ProposalList: TypeAlias = list[Proposal]  # inside the class below, `list` is the method
_ATTEMPTS = 20  # the draft may change between the check of a proposal and its storing
_LONGEST_WHY = 20_000


class Conversations(Struct, frozen=True):
    """What is asked of the conversations of people about workflows."""

    have_strangers: Callable[[Principal, str], bool]
    """Returns whether text from outside is in a person's conversation about a workflow."""
    kept_over: Callable[[Principal, str], AbstractContextManager[None]]
    """Keeps what was said of a workflow while it is created."""


class _Made(Struct, frozen=True):
    """What operations make of the text that a person edits."""

    base: str
    made: Applied
    sent: list[Any]
    """The operations."""

    @property
    def rev(self) -> str:
        return files.etag(self.made.text)


class Proposals:
    """Each person has their own, about their own drafts. A proposal changes nothing until a person accepts it."""

    def __init__(
        self,
        store: KeptLists[Proposal],
        editing: WorkflowEditing,
        workflows: WorkflowFiles,
        computing: Computing,
        demo_runs: DemoRuns,
        restoring: Restoring,
        clock: Clock,
        said: Conversations,
    ) -> None:
        self._store, self._editing, self._workflows = store, editing, workflows
        self._computing, self._demo_runs, self._restoring, self._clock = computing, demo_runs, restoring, clock
        self._said = said

    @operation("copilot.propose", "edit", "propose changes", "Propose a change of a workflow")
    def make(  # noqa: PLR0913
        self,
        p: Principal,
        workflow: str,
        base_rev: str,
        ops: object,
        why: str,
        *,
        source: Source,
        from_outside: bool = False,
        repairs: int = 0,
        usage: ModelUse | None = None,
    ) -> Proposal:
        """Store a proposal for the person's draft with all that is computed of it; the draft stays as it is.

        `base_rev`: the etag of the text that the operations were made for, as `editing.apply` takes it. If there is no
        workflow of this name, the text is a blank one, and `base_rev` is ignored. `from_outside`: whether text from
        outside had a part in them; it had in any case if the conversation about the workflow has such text.

        Raises InvalidInput (an operation, with its place), EditConflict, NotAllowed, InvalidFile, StorageError.
        """
        made = self._made(p, checked_workflow(workflow), base_rev, ops)
        is_outside = from_outside or self.has_strangers(p, workflow)
        found = self._computing.of(p, workflow, made.base, made.made, made.sent, from_outside=is_outside)
        proposal = Proposal(
            id=f"p-{uuid.uuid4().hex[:12]}",
            workflow=workflow,
            at=timestamp(self._clock()),
            base_rev=files.etag(made.base),
            ops=made.sent,
            why=shown(why)[0][:_LONGEST_WHY],
            source=source,
            text_rev=made.rev,
            problems=found.problems,
            is_acceptable=not found.errors,
            sentences=found.sentences,
            diff=found.diff,
            changes=found.changes,
            news=found.facts.news,
            writes_again=found.facts.writes_again,
            untouched=found.untouched,
            ticks=found.facts.ticks,
            from_outside=is_outside,
            repairs=repairs,
            usage=usage,
        )
        return self._store.add(p, workflow, proposal)

    def has_strangers(self, p: Principal, workflow: str) -> bool:
        """Return whether text from outside is in the person's conversation about a workflow. Raises InvalidInput."""
        return self._said.have_strangers(p, checked_workflow(workflow))

    @operation("copilot.proposals", "edit", "see proposals", "List the proposals for a workflow")
    def list(self, p: Principal, workflow: str) -> ProposalList:
        """Return the person's proposals for a workflow, oldest first. Raises NotAllowed, InvalidInput."""
        return self._store.list(p, checked_workflow(workflow))

    @operation("copilot.proposal", "edit", "see proposals", "Read a proposal for a workflow")
    def get(self, p: Principal, workflow: str, proposal_id: str) -> Proposal:
        """Return a proposal. Raises UnknownName, NotAllowed, InvalidInput."""
        return self._store.get(p, checked_workflow(workflow), proposal_id)

    def reject(self, p: Principal, workflow: str, proposal_id: str) -> Proposal:
        """Reject a proposal, or what is left of one. Raises UnknownName, InvalidInput (it was accepted whole)."""
        _require_open(self.get(p, workflow, proposal_id))
        return self._store.change(p, workflow, proposal_id, lambda one: replace(one, status="rejected"))

    def accept(
        self, p: Principal, workflow: str, proposal_id: str, *, steps: Sequence[str] | None, ticks: Sequence[str]
    ) -> Edited:
        """Apply a proposal, or its changes of some `steps`, to the person's draft as one change, which undo reverts.

        `steps`: as in its changes, None for all that are left. `ticks`: the ids of those that the person has given.
        The facts are computed again from the draft as it is now: a tick for another fact does not count. The text from
        before is kept, and can be restored.

        Raises InvalidInput (a step, an operation of other steps, missing ticks: `details["ticks"]` has them),
        EditConflict (the draft has changed at the same place), InvalidFile (what would result does not compile),
        UnknownName.
        """
        for _ in range(_ATTEMPTS):
            proposal = self.get(p, workflow, proposal_id)
            _require_open(proposal)
            chosen, ops = _chosen(proposal, steps)
            edited = self._accepted(p, proposal, ops, ticks)
            if edited is not None:
                self._store.change(p, workflow, proposal_id, lambda one: _with_accepted(one, chosen, edited.rev))  # noqa: B023
                return edited
        raise StaleEdit(f"The draft of {workflow!r} changes too fast.", remedy="Try again.")

    def steps_of(self, p: Principal, proposal: Proposal) -> dict[str, JsonObject]:
        """Return the steps of the proposed text by their ids. Raises as `make`."""
        made = self._made(p, proposal.workflow, proposal.base_rev, proposal.ops)
        return {one.step.id: one.step.json for one in step_nodes(parse(made.made.text, "").value)}

    def try_in_demo(
        self, p: Principal, workflow: str, proposal_id: str, seconds: float = LONGEST_TRY_SECONDS
    ) -> Proposal:
        """Run the proposed text twice within some seconds, on the stand-ins alone, and store what it did.

        Raises InvalidFile (it does not compile), InvalidInput (a service without a stand-in), EditConflict,
        UnknownName.
        """
        proposal = self.get(p, workflow, proposal_id)
        made = self._made_now(p, proposal, proposal.ops if not proposal.accepted else _chosen(proposal, None)[1])
        demo = self._demo_runs.run(p, workflow, made.made.text, seconds)
        return self._store.change(p, workflow, proposal_id, lambda one: replace(one, demo=demo))

    # --- texts

    def _made(self, p: Principal, workflow: str, base_rev: str, ops: object) -> _Made:
        sent = list(ops) if isinstance(ops, list) else []
        try:
            tried = self._editing.tried(p, workflow, base_rev, ops)
        except UnknownName:
            blank = blank_workflow(title_of(workflow))
            return _Made(blank, self._editing.applied_to(workflow, blank, ops), sent)
        return _Made(tried.base, tried.made, sent)

    def _made_now(self, p: Principal, proposal: Proposal, ops: Sequence[Any]) -> _Made:
        """Return what operations make of the draft now; if they clash with it, the proposal is stale."""
        base_rev = self._base_rev(p, proposal)
        try:
            return self._made(p, proposal.workflow, base_rev, list(ops))
        except EditConflict:
            self._store.change(p, proposal.workflow, proposal.id, lambda one: replace(one, status="stale"))
            raise

    def _base_rev(self, p: Principal, proposal: Proposal) -> str:
        """Return the etag of the text that a proposal is for; a blank workflow has got an id when it was created."""
        blank = blank_workflow(title_of(proposal.workflow))
        if proposal.base_rev != files.etag(blank):
            return proposal.base_rev
        try:
            now = self._editing.draft_text(p, proposal.workflow)
            document = parse(now.text, proposal.workflow).value
        except (UnknownName, InvalidFile):
            return proposal.base_rev
        without = {key: one for key, one in document.items() if key != "id"} if isinstance(document, dict) else None
        return now.state.rev if is_same(without, parse(blank, "").value) else proposal.base_rev

    def _accepted(self, p: Principal, proposal: Proposal, ops: Sequence[Any], ticks: Sequence[str]) -> Edited | None:
        """Check operations against the draft as it is, and store them; None if it has changed since."""
        workflow = proposal.workflow
        made = self._made_now(p, proposal, ops)
        found = self._computing.of(p, workflow, made.base, made.made, ops, from_outside=proposal.from_outside)
        _require_acceptable(workflow, found, ticks)
        self._create_if_missing(p, workflow)
        tried = self._editing.tried(p, workflow, self._base_rev(p, proposal), list(ops))
        if not _is_as_checked(tried.base, made.base):  # another window has changed the draft: the caller checks it anew
            return None
        is_begun = bool(proposal.accepted) or tried.made.text == tried.base  # in the draft, though not marked so yet
        if not is_begun:
            self._restoring.keep(p, workflow, proposal.id, tried)
        return self._editing.keep(p, workflow, tried)

    def _create_if_missing(self, p: Principal, workflow: str) -> None:
        try:
            self._workflows.get(p, workflow)
        except UnknownName:
            with self._store.kept_over(p, workflow), self._said.kept_over(p, workflow):
                self._workflows.create(p, workflow)


def _is_as_checked(now: str, checked: str) -> bool:
    """Return whether a text is the one that was checked; a new workflow has got an id since."""
    if now == checked:
        return True
    one, other = (parse(text, "").value for text in (now, checked))
    if not isinstance(one, dict) or not isinstance(other, dict) or "id" in other:
        return False
    return is_same({key: value for key, value in one.items() if key != "id"}, other)


def _require_open(proposal: Proposal) -> None:
    if proposal.status in ("accepted", "rejected"):
        raise InvalidInput(
            f"The proposal {proposal.id} was {proposal.status} already.",
            remedy="Ask for a new one, or undo the change.",
        )


def _chosen(proposal: Proposal, steps: Sequence[str] | None) -> tuple[list[str], list[Any]]:
    """Return the chosen steps and their operations, in order. Raises InvalidInput."""
    left = [one.step for one in proposal.changes if one.step not in proposal.accepted]
    chosen = left if steps is None else list(dict.fromkeys(steps))
    strange = [one for one in chosen if one not in left]
    if strange or not chosen:
        said = f"The proposal has no open change of {listed(strange)}." if strange else "No change is chosen."
        raise InvalidInput(
            said, remedy=f"Choose among: {listed([one or 'the workflow' for one in left])}.", field="steps"
        )
    indexes = sorted({index for one in proposal.changes if one.step in chosen for index in one.ops})
    for index in indexes:
        others = [one.step for one in proposal.changes if index in one.ops and one.step not in chosen]
        if others:
            raise InvalidInput(
                f"ops[{index}] also changes {listed([one or 'the workflow' for one in others])}.",
                remedy="Accept these together.",
                field="steps",
            )
    return chosen, [proposal.ops[index] for index in indexes]


def _require_acceptable(workflow: str, found: OperationFacts, ticks: Sequence[str]) -> None:
    if found.errors:
        raise InvalidFile.of(
            f"workflows/{workflow}.json", found.problems, remedy="Accept more of the proposal, or ask for another one."
        )
    needed = missing(found.facts.ticks, ticks)
    if needed:
        said = "; ".join(f"{one.words.removesuffix('.')} ({one.id})" for one in needed)
        raise InvalidInput(
            f"{len(needed)} parts of the proposal need a tick of their own: {said}.",
            remedy="Look at each, and send the ids of those that you agree to in 'ticks'.",
            field="ticks",
            ticks=[asdict(one) for one in needed],
        )


def _with_accepted(proposal: Proposal, chosen: Sequence[str], rev: str) -> Proposal:
    """Return a proposal after its changes of some steps were accepted; the rest is for the text that they gave."""
    accepted = [*proposal.accepted, *chosen]
    is_whole = all(one.step in accepted for one in proposal.changes)
    status: Status = "accepted" if is_whole else "partly_accepted"
    return replace(proposal, status=status, accepted=accepted, base_rev=rev)
