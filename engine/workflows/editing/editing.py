"""The `editing` area: operations on a person's draft of a workflow, or on its file; undo, redo and save."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.base.errors import EditConflict, InvalidFile, InvalidInput, OrchestraError, StaleEdit
from engine.base.json_text import compact
from engine.base.names import checked_workflow
from engine.base.problem import Problem
from engine.compiler.compiler import read_workflow
from engine.compiler.renaming import rename_splices
from engine.documents.json_file import JsonFile, object_in, parse
from engine.documents.json_splice import Misplaced, Splice, difference, inverse, spliced
from engine.files import atomic as files
from engine.people.access import Principal, may
from engine.people.operation import operation
from engine.workflows.compiled_files import CompiledFiles
from engine.workflows.differences.sentences import differences
from engine.workflows.differences.writes_again import WriteMoved, writes_moved
from engine.workflows.editing.applying import Applied, applied
from engine.workflows.editing.canvas_steps import CanvasStep, canvas_steps
from engine.workflows.editing.clashes import clash
from engine.workflows.editing.draft_state import DraftState, DraftText
from engine.workflows.editing.operations import AnyOperation, operations, words
from engine.workflows.editing.scope_names import OfferedName, scope_names
from engine.workflows.editing.steps_in_text import read
from engine.workspace.canonical import as_written
from engine.workspace.drafts import Draft, Drafts, Kind
from engine.workspace.file_store import FileStore
from engine.workspace.layout import Looks, Positions
from engine.workspace.revisions import Revision, back_to, bounded, to_redo, to_undo
from engine.workspace.step_renames import StepRenames, composed, reversed_renames

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile, WorkflowFiles

_KIND: Kind = "workflow"
_ATTEMPTS = 20  # another window of the same person may store a change between reading and storing
_LONGEST_OP_ID = 100
_CHECKED_SECONDS, _MOST_CHECKED = 5.0, 32
"""How long the problems of a text are cached: its author and their other windows ask for them at the same time."""
_NOTHING = {
    True: "Only changes of this draft, and no more than the last 200, can be undone; the tab History has the texts "
    "saved before.",
    False: "Only what was undone last can be repeated.",
}


@dataclass(frozen=True)
class Edited:
    """A draft after a change."""

    rev: str
    """The etag of its text."""
    base: str
    """The etag of the text to which the splices apply."""
    splices: list[Splice]
    text: str | None
    """The text, unless the caller has the one that the splices apply to."""
    words: str
    """What was done."""
    steps: list[CanvasStep]
    can_undo: bool
    can_redo: bool
    problems: list[Problem] | None
    """The problems of the text; None if the caller did not ask for them."""


@dataclass(frozen=True)
class Canvas(DraftState):
    """What a canvas shows: the text that the person edits, and its steps."""

    text: str
    title: str
    steps: list[CanvasStep]
    positions: Positions
    looks: Looks
    problems: list[Problem]


class TriedEdit(Struct, frozen=True):
    """What operations would make of a draft."""

    base: str
    """The text of the draft."""
    made: Applied
    asked: str
    """The digest of the operations."""
    draft: Draft | None
    """None: the text is the file's."""
    etag: str
    """The etag of the file that it is based on."""

    @property
    def base_rev(self) -> str:
        """The etag of the text of the draft."""
        return files.etag(self.base)

    @property
    def rev(self) -> str:
        """The etag of the text after the operations."""
        return files.etag(self.made.text)


@dataclass(frozen=True)
class FileEdit:
    """What operations do, or would do, to a file."""

    name: str
    text: str
    etag: str
    """The etag of the text."""
    is_saved: bool
    differences: list[str]
    """What changes, in sentences."""
    problems: list[Problem]


class _Now(Struct, frozen=True):
    """The text that a person edits: the draft, or else the file."""

    draft: Draft | None
    text: str
    etag: str
    """The etag of the file that the text is based on."""

    @property
    def rev(self) -> str:
        return files.etag(self.text)

    @property
    def revisions(self) -> Sequence[Revision]:
        return self.draft.revisions if self.draft is not None else ()

    @property
    def renames(self) -> StepRenames:
        """The steps that have another id than in the file."""
        return self.draft.renames if self.draft is not None else ()


class WorkflowEditing:
    """Every change needs the right to edit. A draft belongs to one person, so its changes have no audit line."""

    def __init__(
        self,
        file_store: FileStore,
        workflows: WorkflowFiles,
        compiled: CompiledFiles,
        drafts: Drafts,
        values: Callable[[Principal, str], Mapping[str, Any]],
    ) -> None:
        """`values(p, workflow)` returns the values of its last run: {"inputs": …, "steps": {id: output}}."""
        self._file_store, self._workflows, self._compiled, self._drafts = file_store, workflows, compiled, drafts
        self._values = values
        self._checked: dict[tuple[str, str], tuple[float, list[Problem]]] = {}

    @operation("workflows.canvas", "view", "see workflows", "Read a draft with its steps and problems")
    def canvas(self, p: Principal, name: str) -> Canvas:
        """Return the person's draft, or else the file, with its steps and problems.

        Who may only view sees the file. Raises UnknownName, InvalidFile (not a text).
        """
        now = self._now(p, name) if may(p, "edit") else self._of_file(name)
        document = object_in(now.text) or {}
        return Canvas(
            **asdict(self._state(name, now)),
            text=now.text,
            title=str(document.get("title") or name),
            steps=canvas_steps(document),
            positions=self._workflows.positions(p, name),
            looks=self._workflows.looks(p, name),
            problems=self._check(p, name, now.text, now.renames),
        )

    @operation("workflows.draft_text", "view", "see workflows", "Read the text of a draft")
    def draft_text(self, p: Principal, name: str) -> DraftText:
        """Return the text that the person edits, with its state and its revisions. Raises as `canvas`."""
        now = self._now(p, name) if may(p, "edit") else self._of_file(name)
        return DraftText(self._state(name, now), now.text, now.revisions)

    def _state(self, name: str, now: _Now) -> DraftState:
        return DraftState(
            rev=now.rev,
            etag=now.etag,
            saved_etag=now.etag if now.draft is None else self._saved_etag(name),
            is_draft=now.draft is not None,
            can_undo=to_undo(now.revisions) is not None,
            can_redo=to_redo(now.revisions) is not None,
        )

    @operation("workflows.saved_by", "view", "see workflows", "See who saved a workflow")
    def saved_by(self, p: Principal, name: str, etag: str) -> str | None:
        """Return who saved the file with this etag; None if it was changed outside AI-Orchestra."""
        versions = self._file_store.history.versions(name)
        is_newest = bool(versions) and files.etag(self._file_store.history.latest_text(name) or "") == etag
        return versions[0].saved_by if is_newest else None

    def problems(self, p: Principal, name: str, text: str) -> list[Problem]:
        """Return the problems of a text; cached ones if it was checked a moment ago."""
        known = self._checked.get((name, files.etag(text)))
        is_known = known is not None and time.monotonic() - known[0] < _CHECKED_SECONDS
        if known is not None and is_known:
            return known[1]
        return self._check(p, name, text, self._now(p, name).renames if may(p, "edit") else ())

    def _check(self, p: Principal, name: str, text: str, renames: StepRenames) -> list[Problem]:
        """Return the problems of a text, and the writes that are made again once it is saved."""
        try:
            saved = self._file_store.text(name)
        except OrchestraError:  # deleted meanwhile, or no text
            saved = ""
        again = _writes_again(self._file_store.file(name), saved, text, renames)
        problems = [*self._workflows.check(p, name, text), *again]
        self._checked[name, files.etag(text)] = time.monotonic(), problems
        for old in list(self._checked)[:-_MOST_CHECKED]:  # a copy, as other threads add and remove, too
            self._checked.pop(old, None)
        return problems

    @operation("workflows.scope", "view", "see workflows", "See the names that a step may use")
    def scope(self, p: Principal, name: str, step: str) -> list[OfferedName]:
        """Return the names that the fields of a step may use in the text that the person edits; without a step, those
        that the outputs of the workflow may use.

        Raises UnknownName, InvalidInput (no such step), InvalidFile (the text is not a workflow).
        """
        now = self._now(p, name) if may(p, "edit") else self._of_file(name)
        found = read(now.text, self._file_store.file(name))
        place = found.node(step).place if step else ("outputs",)
        compiled, report = read_workflow(found.file, name, self._compiled.compiler_context())
        if report is None or place not in report.names:
            raise InvalidFile.of(found.file.file, compiled.problems)
        return scope_names(report.names[place], self._values(p, name))

    @operation("workflows.edit_draft", "edit", "edit workflows", "Edit a draft")
    def apply(
        self, p: Principal, name: str, base_rev: str, sent: object, op_id: str = "", *, check: bool = True
    ) -> Edited:
        """Apply operations to the person's draft, all or none; without one, a draft of the file is begun.

        `base_rev`: the text that the caller has seen. If it has changed since, the operations are applied to the
        newest text, unless they are about something that has changed. `op_id` names the request: a repeated one
        changes nothing. `check`: whether the answer has the problems of the text, for which it is compiled.

        Raises InvalidInput (what is sent, or an operation cannot be applied), EditConflict, InvalidFile (the text is
        not a JSON object), UnknownName, StorageError.
        """
        ops = operations(sent)
        if len(op_id) > _LONGEST_OP_ID:
            raise InvalidInput(f"'op_id' is longer than {_LONGEST_OP_ID} characters.", field="op_id")
        asked = files.etag(compact(sent))
        for _ in range(_ATTEMPTS):
            now = self._now(p, name)
            done = _done_before(now.draft, op_id, asked)
            if done is not None:
                # The splices lead from the text before that change to the one after it, and help with no other.
                is_whole = done.base != base_rev or done.rev != now.rev
                return self._edited(p, name, now, done.base, done.splices, done.words, is_whole=is_whole, check=check)
            made = self._made(name, now, base_rev, ops)
            if made.text == now.text:
                return self._edited(p, name, now, now.rev, (), made.words, is_whole=now.rev != base_rev, check=check)
            rev = files.etag(made.text)
            revision = Revision(rev, "change", made.words, made.splices, op_id, asked, now.rev, made.renames)
            kept = self._kept(p, name, now, made.text, revision)
            if kept is not None:
                is_whole = now.rev != base_rev
                return self._edited(p, name, kept, now.rev, made.splices, made.words, is_whole=is_whole, check=check)
        raise StaleEdit(f"The draft of {name!r} changes too fast.", remedy="Try again.")

    @operation("workflows.try_edit", "edit", "edit workflows", "See what an edit would make of a draft")
    def tried(self, p: Principal, name: str, base_rev: str, sent: object) -> TriedEdit:
        """Return what `apply` would make of the person's draft; nothing is stored. Raises as `apply`."""
        ops, now = operations(sent), self._now(p, name)
        made = self._made(name, now, base_rev, ops)
        return TriedEdit(now.text, made, files.etag(compact(sent)), now.draft, now.etag)

    def problems_of(self, p: Principal, name: str, tried: TriedEdit) -> list[Problem]:
        """Return the problems that the draft would have after operations."""
        renames = tried.draft.renames if tried.draft is not None else ()
        return self._check(p, name, tried.made.text, composed(renames, tried.made.renames))

    @operation("workflows.saved_text", "view", "see workflows", "Read the saved text of a workflow")
    def saved_text(self, p: Principal, name: str) -> str:
        """Return the text of the file, "" if it has been deleted or cannot be read."""
        try:
            return self._file_store.text(checked_workflow(name))
        except OrchestraError:
            return ""

    @operation("workflows.unsaved", "view", "see workflows", "List the workflows with unsaved drafts")
    def unsaved(self, p: Principal) -> set[str]:
        """Return the workflows where the person's draft differs from the file, which is what runs use."""
        drafts = self._drafts.texts(p, _KIND) if may(p, "edit") else {}
        return {name for name, text in drafts.items() if _is_other(text, self.saved_text(p, name))}

    @operation("workflows.is_unsaved", "view", "see workflows", "Ask whether a workflow has an unsaved draft")
    def is_unsaved(self, p: Principal, name: str) -> bool:
        """Return whether the person has a draft of a workflow that differs from the file."""
        draft = self._drafts.get(p, _KIND, name) if may(p, "edit") else None
        return draft is not None and _is_other(draft.text, self.saved_text(p, name))

    def applied_to(self, name: str, text: str, sent: object) -> Applied:
        """Return what operations make of any text of a workflow. Raises InvalidInput, InvalidFile."""
        return self._applied(checked_workflow(name), text, operations(sent))

    @operation("workflows.keep_draft", "edit", "edit workflows", "Keep a tried edit in the draft")
    def keep(self, p: Principal, name: str, tried: TriedEdit) -> Edited | None:
        """Store what was tried as one change of the draft; None if the draft has changed since.

        Raises NotAllowed, InvalidInput (too large), StorageError.
        """
        made, now = tried.made, _Now(tried.draft, tried.base, tried.etag)
        if (self._now(p, name).rev, made.text) == (now.rev, now.text):
            return self._edited(p, name, now, now.rev, (), made.words, is_whole=True, check=True)
        revision = Revision(tried.rev, "change", made.words, made.splices, "", tried.asked, now.rev, made.renames)
        is_same = self._now(p, name).rev == now.rev
        kept = self._kept(p, name, now, made.text, revision) if is_same else None
        if kept is None:
            return None
        return self._edited(p, name, kept, now.rev, made.splices, made.words, is_whole=True, check=True)

    @operation("workflows.put_back_draft", "edit", "edit workflows", "Put an earlier text in place of a draft")
    def put_back(
        self, p: Principal, name: str, base_rev: str, text: str, words: str, renames: StepRenames = ()
    ) -> Edited:
        """Put an earlier text in place of the draft, as one change that undo reverts.

        `renames`: the steps that have another id there than in the file, (in the file, there). Raises EditConflict (the
        draft is not at `base_rev`), InvalidInput (too large), UnknownName.
        """
        now = self._now(p, name)
        if now.rev != base_rev:
            raise _has_changed(name, now, "restore")
        splices = difference(now.text, text)
        back = composed(reversed_renames(now.renames), renames)
        revision = Revision(files.etag(text), "change", words, splices, base=now.rev, renames=back)
        kept = now if not splices else self._kept(p, name, now, text, revision)
        if kept is None:
            raise _has_changed(name, self._now(p, name), "restore")
        return self._edited(p, name, kept, now.rev, splices, words, is_whole=True, check=True)

    @operation("workflows.undo_edit", "edit", "edit workflows", "Undo an edit of a draft")
    def undo(self, p: Principal, name: str, base_rev: str, *, check: bool = True) -> Edited:
        """Undo the person's last change of the draft; typed text is one change. Raises InvalidInput, EditConflict."""
        return self._step_back(p, name, base_rev, is_undo=True, check=check)

    @operation("workflows.redo_edit", "edit", "edit workflows", "Redo an edit of a draft")
    def redo(self, p: Principal, name: str, base_rev: str, *, check: bool = True) -> Edited:
        """Repeat the change that was undone last. Raises InvalidInput, EditConflict."""
        return self._step_back(p, name, base_rev, is_undo=False, check=check)

    @operation("workflows.discard_draft", "edit", "edit workflows", "Discard a draft")
    def discard(self, p: Principal, name: str) -> None:
        """Delete the person's draft; the file stays."""
        self._drafts.drop(p, _KIND, checked_workflow(name))

    def save(self, p: Principal, name: str, text: str, etag: str | None) -> WorkflowFile:
        """Save a text as `WorkflowFiles.save` does; the person's draft is deleted if it has this text.

        Raises as that method; the details of StaleEdit are the text and `etag` of the file, and the `differences` of
        the text.
        """
        try:
            saved = self._workflows.save(p, name, text, etag)
        except StaleEdit as error:
            theirs = self._file_store.text(name)
            said = differences(object_in(theirs), object_in(text))
            details = {"theirs": theirs, "etag": files.etag(theirs), "differences": said}
            raise StaleEdit(error.message, remedy=error.own_remedy, **details) from error
        draft = self._drafts.get(p, _KIND, name)
        if draft is not None and as_written(draft.text) in (as_written(text), saved.text):
            self._drafts.drop(p, _KIND, name, revision=draft.revision)
        return saved

    @operation("workflows.edit_file", "edit", "change workflows", "Edit the file of a workflow")
    def edit_file(
        self, p: Principal, name: str, sent: object, etag: str | None = None, *, save: bool = True
    ) -> FileEdit:
        """Apply operations to a file, all or none, and save it; drafts stay as they are.

        `etag`: of the text to change, None for the current one. Raises as `apply` and as `WorkflowFiles.save`.
        """
        ops = operations(sent)
        before = self._file_store.text(checked_workflow(name))
        known = files.etag(before)
        if etag is not None and etag != known:
            raise StaleEdit(f"Somebody changed {self._file_store.file(name)} since you opened it.")
        made = self._applied(name, before, ops)
        said = differences(object_in(before), object_in(made.text), made.renames)
        if not save or made.text == before:
            text = made.text
            return FileEdit(
                name,
                text,
                files.etag(text),
                is_saved=False,
                differences=said,
                problems=self._check(p, name, text, made.renames),
            )
        again = _writes_again(self._file_store.file(name), before, made.text, made.renames)
        saved = self._workflows.save(p, name, made.text, known, made.renames)
        problems = [*saved.problems, *again]
        return FileEdit(name, saved.text, saved.etag, is_saved=True, differences=said, problems=problems)

    def _now(self, p: Principal, name: str) -> _Now:
        draft = self._drafts.get(p, _KIND, checked_workflow(name))
        if draft is not None:
            return _Now(draft, draft.text, draft.etag)
        return self._of_file(name)

    def _of_file(self, name: str) -> _Now:
        text = self._file_store.text(checked_workflow(name))
        return _Now(None, text, files.etag(text))

    def _saved_etag(self, name: str) -> str:
        try:
            return files.etag(self._file_store.text(name))
        except OrchestraError:  # deleted meanwhile, or no text
            return ""

    def _made(self, name: str, now: _Now, base_rev: str, ops: Sequence[AnyOperation]) -> Applied:
        if base_rev == now.rev:
            return self._applied(name, now.text, ops)
        return self._replayed(name, now, base_rev, ops)

    def _applied(self, name: str, text: str, ops: Sequence[AnyOperation]) -> Applied:
        def rename(file: JsonFile, renames: StepRenames) -> Sequence[Splice]:
            return rename_splices(file, name, self._compiled.compiler_context(), renames, needs_plan=False)

        return applied(text, self._file_store.file(name), ops, rename)

    def _replayed(self, name: str, now: _Now, base_rev: str, ops: Sequence[AnyOperation]) -> Applied:
        """Apply operations that were made for an older text. Raises EditConflict."""
        history = self._since(name, now, base_rev)
        said = "; ".join(words(one) for one in ops)
        if history is None:
            message = f"The draft of {name!r} has changed since, by more than is remembered: {said} was not applied."
            raise EditConflict(message, operation=said, clashes_with="", rev=now.rev, theirs=now.text, yours=None)
        seen = history[-1][1]
        yours = self._applied(name, seen, ops)  # what is wrong even there is no conflict
        texts = {"rev": now.rev, "theirs": now.text, "yours": yours.text, "operation": said}
        try:
            made = self._applied(name, now.text, ops)
        except InvalidInput as error:
            index = error.details.get("operation", 0)
            culprit = clash(history, now.text, seen, yours.text) or history[0][0].words
            message = f"{words(ops[index])} can no longer be applied: {error.message} The draft was changed: {culprit}."
            raise EditConflict(message, **texts, clashes_with=culprit) from error
        found = clash(history, now.text, now.text, made.text)
        if found is not None:
            message = f"{said} clashes with a change that was made meanwhile: {found}."
            raise EditConflict(message, **texts, clashes_with=found)
        return made

    def _since(self, name: str, now: _Now, base_rev: str) -> list[tuple[Revision, str]] | None:
        """Return the revisions since a text, newest first, each with the text before it; None if unknown."""
        try:
            return list(back_to(now.text, now.revisions, base_rev))
        except KeyError:
            pass
        try:
            text = self._file_store.text(name)
        except OrchestraError:
            return None
        if files.etag(text) != base_rev:
            return None
        return [(Revision(now.rev, "change", "the draft was changed", ()), text)]

    def _step_back(self, p: Principal, name: str, base_rev: str, *, is_undo: bool, check: bool) -> Edited:
        for _ in range(_ATTEMPTS):
            now = self._now(p, name)
            if now.rev != base_rev:
                raise _has_changed(name, now, "undo" if is_undo else "redo")
            revision = _reverted(now, is_undo=is_undo)
            text = spliced(now.text, revision.splices)
            kept = self._kept(p, name, now, text, revision)
            if kept is not None:
                said = revision.words
                return self._edited(p, name, kept, now.rev, revision.splices, said, is_whole=False, check=check)
        raise StaleEdit(f"The draft of {name!r} changes too fast.", remedy="Try again.")

    def _kept(self, p: Principal, name: str, now: _Now, text: str, revision: Revision) -> _Now | None:
        """Store a text in place of the one now; return it, None if another one has been stored meanwhile."""
        known = now.draft or Draft("", "", "")
        revisions = bounded([*known.revisions, revision])
        new = Draft(text, now.etag, self._drafts.now(), revisions, composed(known.renames, revision.renames))
        return _Now(new, text, now.etag) if self._drafts.revise(p, _KIND, name, now.draft, new) else None

    def _edited(
        self,
        p: Principal,
        name: str,
        now: _Now,
        base: str,
        splices: Sequence[Splice],
        said: str,
        *,
        is_whole: bool,
        check: bool,
    ) -> Edited:
        return Edited(
            rev=now.rev,
            base=base,
            splices=list(splices),
            text=now.text if is_whole else None,
            words=said,
            steps=canvas_steps(object_in(now.text) or {}),
            can_undo=to_undo(now.revisions) is not None,
            can_redo=to_redo(now.revisions) is not None,
            problems=self._check(p, name, now.text, now.renames) if check else None,
        )


def _is_other(text: str, saved: str) -> bool:
    return text.rstrip() != saved.rstrip()


def _has_changed(name: str, now: _Now, operation: str) -> EditConflict:
    return EditConflict(
        f"The draft of {name!r} has changed since: look at it before you {operation} anything.",
        operation=operation,
        clashes_with=now.revisions[-1].words if now.revisions else "",
        rev=now.rev,
        theirs=now.text,
        yours=None,
    )


def _writes_again(file: str, saved: str, text: str, renames: StepRenames) -> list[Problem]:
    """Return a warning for each step of a text whose writes no longer count as made by the saved text."""
    found = list(writes_moved(object_in(saved), object_in(text), renames)) if saved != text else []
    return [_warning(parse(text, file), one) for one in found]


def _warning(file: JsonFile, moved: WriteMoved) -> Problem:
    line, column = file.place((*moved.step.place, "id"))
    remedy = "Leave the step where it is if it has run before; a write that is not wanted twice can be undone first."
    return Problem(
        f"{moved.words}.", "writes_again", "warning", file.file, line, column, step=moved.step.path, remedy=remedy
    )


def _done_before(draft: Draft | None, op_id: str, asked: str) -> Revision | None:
    """Return the change that a request with this id has made. Raises InvalidInput if that one asked for another."""
    revisions = draft.revisions if draft is not None and op_id else ()
    done = next((one for one in revisions if one.op_id == op_id), None)
    if done is not None and done.asked != asked:
        said = f"The 'op_id' {op_id!r} was used for other operations."
        raise InvalidInput(said, field="op_id", remedy="Give each request an 'op_id' of its own.")
    return done


def _reverted(now: _Now, *, is_undo: bool) -> Revision:
    """Return the revision that undoes or redoes the last change. Raises InvalidInput."""
    last = to_undo(now.revisions) if is_undo else to_redo(now.revisions)
    if last is None:
        raise InvalidInput(f"There is nothing to {'undo' if is_undo else 'redo'}.", remedy=_NOTHING[is_undo])
    splices = inverse(last.splices)
    try:
        rev = files.etag(spliced(now.text, splices))
    except Misplaced as error:
        said = f"{last.words} cannot be reverted: the text has changed at its place."
        raise InvalidInput(said, remedy="Change it by hand.") from error
    renames = reversed_renames(last.renames)
    return Revision(rev, "undo" if is_undo else "redo", last.words, splices, base=now.rev, renames=renames)
