"""Merge the texts of a workflow: what the branch has changed, as operations on the text of main."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field, structs

from engine.base.errors import InvalidFile, InvalidInput, OrchestraError
from engine.base.json_text import JsonObject, is_alike
from engine.base.step_tree import step_nodes
from engine.documents.json_file import parse
from engine.workflows.differences.changes import renames_between
from engine.workflows.differences.writes_again import steps_that_may_write
from engine.workflows.editing.applying import Renamer, applied
from engine.workflows.editing.operations import RenameStep
from engine.workflows.merging.conflicts import Choices, MergeConflict, MergeDecisions, conflict, place
from engine.workflows.merging.outline import STEPS, Outline, outline, whole
from engine.workflows.merging.three_way import ThreeWaySides, merged
from engine.workflows.merging.transition import transition
from engine.workspace.step_renames import NO_RENAMES, KnownRenames, StepRenames

_Pairs = list[tuple[str, str]]


class MergeTexts(Struct, frozen=True):
    """The text from which a branch was made, and the two texts that it has become."""

    base: str
    main: str
    branch: str


class Merge(Struct, frozen=True):
    """The merged text; undecided conflicts are as in main."""

    text: str
    conflicts: list[MergeConflict]
    renames: list[tuple[str, str]]
    """The steps that have another id in the text than in main: (old, new)."""
    followed: list[tuple[str, str]] = field(default_factory=list)
    """The renames among them that people have made: receipts follow."""


def merge(texts: MergeTexts, file: str, rename: Renamer, choices: Choices, known: KnownRenames = NO_RENAMES) -> Merge:
    """Return main with the changes of the branch; everything else stays byte for byte.

    `file`: the name of main in messages. `known`: the renames that people have made; a step that may write and that
    nobody has renamed counts as removed, and the one in its place as new.

    Raises InvalidFile (a text is not a workflow with distinct ids), UnknownName and InvalidInput (a choice does not fit
    a conflict).
    """
    decisions = MergeDecisions(choices)
    if texts.branch == texts.base:
        decisions.require_known()
        return Merge(texts.main, [], [])
    alike, renames, followed = _renamed(texts, file, rename, decisions, known)
    found = [outline(_document(text, file), file) for text in (alike.base, alike.main, alike.branch)]
    target = merged(ThreeWaySides(*found), decisions)
    text = _applied(alike.main, found[1], target, file, rename)
    return Merge(text, list(decisions.found.values()), renames, followed)


def _applied(text: str, now: Outline, target: Outline, file: str, rename: Renamer) -> str:
    operations = transition(now, target)
    made = applied(text, file, operations, rename).text if operations else text
    if not is_alike(_document(made, file), whole(target)):
        raise InvalidInput(
            f"The changes of the branch cannot be applied to {file}.",
            remedy="Make them there by hand; the differences of the branch name them.",
        )
    return made


def _renamed(
    texts: MergeTexts, file: str, rename: Renamer, decisions: MergeDecisions, known: KnownRenames
) -> tuple[MergeTexts, _Pairs, _Pairs]:
    """Return the texts with the same ids for the same steps, the renames of main that this takes, and which of them
    people have made.
    """
    base, main, branch = (_document(one, file) for one in (texts.base, texts.main, texts.branch))
    by_main, by_branch = _new_ids(base, main, known.main), _new_ids(base, branch, known.branch)
    ids = {old: _id(old, by_main, by_branch, decisions) for old in {**by_main, **by_branch}}
    if not ids:
        return texts, [], []
    in_main = [(by_main.get(old, old), new) for old, new in ids.items() if by_main.get(old, old) != new]
    in_branch = [(by_branch.get(old, old), new) for old, new in ids.items() if by_branch.get(old, old) != new]
    pairs = (list(ids.items()), in_main, in_branch)
    try:
        found = [
            _with_ids(text, one, file, rename) for text, one in zip(structs.asdict(texts).values(), pairs, strict=True)
        ]
    except OrchestraError:  # one of the ids is taken: then the step counts as removed, and the other as new
        return texts, [], []
    by_people = {old for old in ids if _is_known(old, by_main, known.main) and _is_known(old, by_branch, known.branch)}
    followed = [(by_main.get(old, old), ids[old]) for old in by_people]
    return MergeTexts(*found), in_main, [pair for pair in in_main if pair in followed]


def _new_ids(base: JsonObject, side: JsonObject, known: StepRenames) -> dict[str, str]:
    """Return {old id: new id} of the steps that a side has renamed; only people can say so of one that may write."""
    before, now = ({node.step.id for node in step_nodes(one)} for one in (base, side))
    there = [(old, new) for old, new in known if old in before and new in now]
    new_ids = {new for _, new in there}
    sure = [(old, new) for old, new in there if old not in now or old in new_ids]
    writing = steps_that_may_write(base) | steps_that_may_write(side)
    found = renames_between(base, side, sure).items()
    return {old: new for old, new in found if (old, new) in sure or not {old, new} & writing}


def _is_known(old: str, renames: Mapping[str, str], known: StepRenames) -> bool:
    return old not in renames or (old, renames[old]) in known


def _id(old: str, by_main: Mapping[str, str], by_branch: Mapping[str, str], decisions: MergeDecisions) -> str:
    """Return the id that a step has in the end."""
    if old not in by_main or old not in by_branch or by_main[old] == by_branch[old]:
        return by_main.get(old) or by_branch[old]
    texts = [f"Step {old} is now called {one[old]}" for one in (by_main, by_branch)]
    found = conflict(f"{place(STEPS, old)}.id", texts, [old, by_main[old], by_branch[old]])
    return by_main[old] if decisions.side(found) == "main" else by_branch[old]


def _with_ids(text: str, pairs: Sequence[tuple[str, str]], file: str, rename: Renamer) -> str:
    operations = [RenameStep(op="rename", step=old, to=new) for old, new in pairs]
    return applied(text, file, operations, rename).text if operations else text


def _document(text: str, file: str) -> dict[str, Any]:
    value = parse(text, file).value
    if not isinstance(value, dict):
        raise InvalidFile(f"{file} does not contain a JSON object.")
    return value
