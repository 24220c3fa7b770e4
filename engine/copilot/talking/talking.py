"""The `copilot.talking` area: conversations with a model about a workflow, or else answers without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from clients.errors import ServiceError
from engine.base.errors import InvalidInput, OrchestraError, UnknownName
from engine.base.names import checked_workflow
from engine.copilot.proposals.proposals import Proposals
from engine.copilot.talking.answer_form import AsJson
from engine.copilot.talking.code_step import code_step
from engine.copilot.talking.model import CopilotModel
from engine.copilot.talking.prompt import PromptContext, messages
from engine.copilot.talking.records import (
    About,
    AnswerPart,
    Button,
    Conversation,
    ModelSetup,
    Turn,
    TurnDestination,
    TurnLimits,
    TurnPreview,
)
from engine.copilot.talking.setup import DEMO_QUESTIONS, DIGEST, Setups, few_tokens_at_once, patient
from engine.copilot.talking.short_prompt import short_request
from engine.copilot.talking.standing import told_names
from engine.copilot.talking.tools import NAMES, Toolbox
from engine.copilot.talking.turns import Turns, checked_words
from engine.copilot.talking.working import TurnFeed, Working
from engine.copilot.without_model.without_model import chosen
from engine.files import atomic as files
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.record.types.run import Run
from engine.workspace.blanks import blank_workflow, title_of

if TYPE_CHECKING:
    from engine.copilot.without_model.without_model import AnswerWithoutModel, WithoutModel
    from engine.workflows.editing.editing import WorkflowEditing
    from engine.workflows.workflow_files import WorkflowFiles

_MOST_SELECTED = 50


class TalkingDependencies(Struct, frozen=True):
    """The parts of the workspace that conversations are about."""

    proposals: Proposals
    without_model: WithoutModel
    editing: WorkflowEditing
    workflows: WorkflowFiles
    run_of: Callable[[Principal, str], Run]
    """Returns a run that the person may see. Raises UnknownName."""
    failed_run: Callable[[Principal, str, str], Run | None]
    """Returns a run of a workflow by its id, or for "" the last one, if it has failed. Raises UnknownName, InvalidInput
    (it is of another workflow)."""
    connections: Callable[[], dict[str, str]]
    """Returns the service of each connection, by name."""


class Talking:
    """Conversations about workflows; each person has their own."""

    def __init__(
        self, setups: Setups, model: CopilotModel, turns: Turns, ground: TalkingDependencies, audit: Audit
    ) -> None:
        self._setups, self._model, self._turns = setups, model, turns
        self._ground, self._audit = ground, audit

    @property
    def limits(self) -> TurnLimits:
        """Where a turn ends."""
        return self._turns.limits

    @limits.setter
    def limits(self, limits: TurnLimits) -> None:
        """Change where a turn ends."""
        self._turns.limits = limits

    # --- which model

    @operation("copilot.setup", "edit", "ask the co-pilot", "See which model the co-pilot would ask")
    def setup(self, p: Principal) -> ModelSetup:
        """Return which model would be asked, and whether it may be. Raises NotAllowed."""
        return self._setups.setup(p, self.limits)

    @operation("copilot.agree", "edit", "ask the co-pilot", "Consent to sending conversations to a model")
    def agree(self, p: Principal, host: str, model: str) -> ModelSetup:
        """Let conversations of this person go to a model. Raises InvalidInput if it is another one by now."""
        found = self.setup(p)
        if not found.is_available:
            raise InvalidInput(found.why_not, remedy="Connect a model first.")
        if (found.host, found.model) != (host, model):
            raise InvalidInput(
                f"The co-pilot would ask {found.model!r} at {found.host!r}, not {model!r} at {host!r}.",
                remedy="Look at what would be sent, and agree to that.",
                field="model",
            )
        self._setups.model_consents.put(p, host, model, DIGEST)
        self._audit.record(p, "copilot.agree", found.connection, {"host": host, "model": model})
        return self.setup(p)

    @operation("copilot.disagree", "edit", "ask the co-pilot", "Withdraw consent to sending conversations")
    def disagree(self, p: Principal) -> ModelSetup:
        """Let nothing more of this person go to a model. Raises NotAllowed."""
        self._setups.model_consents.remove(p)
        self._audit.record(p, "copilot.disagree", "")
        return self.setup(p)

    # --- conversations

    @operation("copilot.conversation", "edit", "ask the co-pilot", "Read a conversation about a workflow")
    def conversation(self, p: Principal, workflow: str) -> Conversation:
        """Return the person's conversation about a workflow, empty before the first turn. Raises NotAllowed."""
        return self._turns.conversation(p, checked_workflow(workflow))

    @operation("copilot.forget_conversation", "edit", "ask the co-pilot", "Delete a conversation about a workflow")
    def forget(self, p: Principal, workflow: str) -> None:
        """Delete the conversation, and begin anew. Raises InUse (a turn is at work), NotAllowed."""
        self._turns.forget(p, checked_workflow(workflow))

    @operation("copilot.preview_turn", "edit", "ask the co-pilot", "See what a turn about a workflow would send")
    def preview(self, p: Principal, workflow: str, asked: str, about: About) -> TurnPreview:
        """Return exactly what a turn would send first; nothing of it is sent. Raises as `start`, and InvalidInput."""
        found = self.setup(p)
        if not found.is_available:
            raise InvalidInput(found.why_not, remedy="Connect a model, or ask without one.")
        account = self._setups.account()
        reads = None if account is None else few_tokens_at_once(account)
        box, sent = self._prepared(p, workflow, checked_words(asked), about, reads)
        if isinstance(box.form, AsJson):
            return self._setups.preview(replace(found, limits=patient(self.limits)), sent, (), box.form.schema)
        return self._setups.preview(found, sent, NAMES)

    @operation("copilot.ask", "edit", "ask the co-pilot", "Ask the co-pilot about a workflow")
    def start(self, p: Principal, workflow: str, asked: str, about: About | None = None) -> tuple[Turn, TurnFeed]:
        """Begin a turn, and return it with what happens in it; it goes on if nobody watches.

        Where no model may be asked, commands and the documentation answer at once, or the demo's model one of its ten
        questions.

        Raises InUse (a turn is at work), InvalidInput (no words, too many), UnknownName (the run), InvalidFile,
        NotAllowed.
        """
        about = about or About()
        found, said = self.setup(p), checked_words(asked)
        name = checked_workflow(workflow)
        self._turns.require_free(p, name)
        feed = TurnFeed()
        is_demo = found.is_demo and said in DEMO_QUESTIONS
        if not (found.asks_a_model or is_demo):
            return self._by_rules(p, name, said, about, feed), feed
        account = self._setups.demo_account() if is_demo else self._setups.account()
        assert account is not None, "there is one to ask"
        model = found.model or str(getattr(account.client, "model", ""))
        reads = None if is_demo else few_tokens_at_once(account)
        box, sent = self._prepared(p, name, said, about, reads)
        limits = self.limits if reads is None else patient(self.limits)
        turn = replace(
            self._turns.new(said, about),
            most_seconds=limits.seconds,
            sent=TurnDestination(account.client.account(), model, box.values_sent, box.from_outside),
        )
        working = Working(
            self._model, account, box, limits, _free if is_demo else partial(self._setups.cost, account), feed
        )
        self._turns.begin(p, name, turn, working, sent)
        return turn, feed

    @operation("copilot.stop_turn", "edit", "ask the co-pilot", "Stop a turn about a workflow")
    def stop(self, p: Principal, workflow: str, turn_id: str) -> Turn:
        """End a turn that is at work. Raises UnknownName, NotAllowed."""
        return self._turns.stop(p, workflow, turn_id)

    def close(self) -> None:
        """Stop all turns."""
        self._turns.close()

    # --- a turn

    def _prepared(
        self, p: Principal, workflow: str, asked: str, about: About, reads: int | None
    ) -> tuple[Toolbox, list[dict[str, Any]]]:
        """Return the tools of a turn, and what it sends first.

        `reads`: how many tokens the model reads at once, if they are few. Raises InvalidInput for a question that
        leaves no room among them.
        """
        before = self._turns.conversation(p, workflow)
        context, rev = self._context(p, workflow, about.selection)
        ground, run_of = self._ground, partial(self._ground.run_of, p)
        drawn = partial(ground.without_model.diagram, p, workflow)
        box = Toolbox(
            p, workflow, rev, about, ground.proposals, ground.workflows, run_of, drawn, from_outside=before.from_outside
        )
        box.code = code_step(context.text, about.selection)
        box.run = ground.failed_run(p, workflow, about.run_id) if about.run_id else self._last_failed(p, workflow)
        context = structs.replace(
            context,
            selection=about.selection[:_MOST_SELECTED],
            names=self._names(p, workflow, about.selection),
            run=None if box.run is None else box.run_told(box.run),
            is_run_named=bool(about.run_id),
            values=box.values_sent,
        )
        earlier = [one for one in before.turns if one.status != "working"]
        if reads is not None:
            short = short_request(context, earlier, asked, reads)
            box.form = AsJson(short.schema, short.most_tokens)
            return box, list[dict[str, Any]](short.messages)
        return box, list[dict[str, Any]](messages(context, earlier, asked))

    def _names(self, p: Principal, workflow: str, selection: Sequence[str]) -> list[str]:
        """Return what a step behind the selected one may use; [] unless one is selected, or if the text has errors."""
        if len(selection) != 1:
            return []
        with suppress(OrchestraError):
            return told_names(selection[0], self._ground.editing.scope(p, workflow, selection[0]))
        return []

    def _last_failed(self, p: Principal, workflow: str) -> Run | None:
        with suppress(OrchestraError):  # a log that cannot be read keeps nobody from asking
            return self._ground.failed_run(p, workflow, "")
        return None

    def _context(self, p: Principal, workflow: str, selection: Sequence[str]) -> tuple[PromptContext, str]:
        """Return the text that a turn is about, with its etag. Raises InvalidInput for an unknown step."""
        try:
            canvas = self._ground.editing.canvas(p, workflow)
            done = [one.words for one in self._ground.editing.draft_text(p, workflow).revisions[-10:]]
        except UnknownName:
            blank = blank_workflow(title_of(workflow))
            return PromptContext(workflow, blank, connections=self._ground.connections()), files.etag(blank)
        chosen(canvas.steps, selection)
        found = PromptContext(workflow, canvas.text, canvas.problems, done=done, connections=self._ground.connections())
        return found, canvas.rev

    # --- without a model

    def _by_rules(self, p: Principal, workflow: str, asked: str, about: About, feed: TurnFeed) -> Turn:
        turn = replace(self._turns.new(asked, about), source="rules", status="done")
        try:
            answer = self._ground.without_model.answer(p, asked, workflow, about.run_id, about.selection)
        except (OrchestraError, ServiceError) as error:
            turn = replace(turn, status="failed", problem=f"{error.message} {error.remedy}".strip())
        else:
            turn = replace(turn, parts=_parts(answer))
        self._turns.keep(p, workflow, turn)
        for part in turn.parts:
            feed.tell("part", part)
        feed.tell("done", turn)
        feed.is_over = True
        return turn


def _free(*_: object) -> float:
    """Return what the demo's model costs."""
    return 0.0


def _parts(answer: AnswerWithoutModel) -> list[AnswerPart]:
    found = [AnswerPart("text", text=answer.text, quotes_run=answer.quotes_run)]
    if answer.diagram is not None:
        found.append(AnswerPart("diagram", text=answer.diagram.text, diagram=answer.diagram))
    if answer.proposal is not None:
        found.append(AnswerPart("proposal", proposal_id=answer.proposal.id))
    if answer.passages:
        found.append(AnswerPart("passages", passages=answer.passages))
    buttons = [Button(one.title, "link", href=f"/?page=gallery&sample={one.name}") for one in answer.samples]
    buttons += [Button(one.label, "ops", ops=list(one.ops)) for one in answer.fixes]
    if buttons:
        found.append(AnswerPart("buttons", buttons=buttons))
    return [*found, AnswerPart("note", text=answer.note)]
