"""Merge the texts of a workflow: what the branch has changed, as operations on the text of main."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.base.errors import InvalidFile, InvalidInput, OrchestraError
from engine.base.json_text import is_alike
from engine.documents.json_file import parse
from engine.workflows.differences.changes import renames_between
from engine.workflows.editing.applying import Renamer, applied
from engine.workflows.editing.operations import Rename
from engine.workflows.merging.conflicts import Choices, Conflict, Decisions, conflict
from engine.workflows.merging.outline import Outline, outline, whole
from engine.workflows.merging.three_way import Sides, merged
from engine.workflows.merging.transition import transition


@dataclass(frozen=True)
class Texts:
    """The text from which a branch was made, and the two texts that it has become."""

    base: str
    main: str
    branch: str


@dataclass(frozen=True)
class Merge:
    """The merged text; undecided conflicts are as in main."""

    text: str
    conflicts: list[Conflict]
    renames: list[tuple[str, str]]
    """The steps that have another id in the text than in main: (old, new)."""


def merge(texts: Texts, file: str, rename: Renamer, choices: Choices) -> Merge:
    """Return main with the changes of the branch; everything else stays byte for byte.

    `file`: the name of main in messages. Raises InvalidFile (a text is no workflow with distinct ids), UnknownName and
    InvalidInput (a choice does not fit a conflict).
    """
    decisions = Decisions(choices)
    if texts.branch == texts.base:
        decisions.require_known()
        return Merge(texts.main, [], [])
    alike, renames = _renamed(texts, file, rename, decisions)
    found = [outline(_document(text, file), file) for text in (alike.base, alike.main, alike.branch)]
    target = merged(Sides(*found), decisions)
    text = _applied(alike.main, found[1], target, file, rename)
    return Merge(text, list(decisions.found.values()), renames)


def _applied(text: str, now: Outline, target: Outline, file: str, rename: Renamer) -> str:
    operations = transition(now, target)
    made = applied(text, file, operations, rename).text if operations else text
    if not is_alike(_document(made, file), whole(target)):
        raise InvalidInput(
            f"The changes of the branch cannot be applied to {file}.",
            remedy="Make them there by hand; the differences of the branch name them.",
        )
    return made


def _renamed(texts: Texts, file: str, rename: Renamer, decisions: Decisions) -> tuple[Texts, list[tuple[str, str]]]:
    """Return the texts with the same ids for the same steps, and the renames of main that this takes."""
    base, main, branch = (_document(one, file) for one in (texts.base, texts.main, texts.branch))
    by_main, by_branch = renames_between(base, main), renames_between(base, branch)
    ids = {old: _id(old, by_main, by_branch, decisions) for old in {**by_main, **by_branch}}
    if not ids:
        return texts, []
    in_main = [(by_main.get(old, old), new) for old, new in ids.items() if by_main.get(old, old) != new]
    in_branch = [(by_branch.get(old, old), new) for old, new in ids.items() if by_branch.get(old, old) != new]
    pairs = (list(ids.items()), in_main, in_branch)
    try:
        found = [_with_ids(text, one, file, rename) for text, one in zip(vars(texts).values(), pairs, strict=True)]
    except OrchestraError:  # one of the ids is taken: then the step counts as removed, and the other as new
        return texts, []
    return Texts(*found), in_main


def _id(old: str, by_main: Mapping[str, str], by_branch: Mapping[str, str], decisions: Decisions) -> str:
    """Return the id that a step has in the end."""
    if old not in by_main or old not in by_branch or by_main[old] == by_branch[old]:
        return by_main.get(old) or by_branch[old]
    texts = [f"Step {old} is now called {one[old]}" for one in (by_main, by_branch)]
    found = conflict(f"steps.{old}.id", texts, [old, by_main[old], by_branch[old]])
    return by_main[old] if decisions.side(found) == "main" else by_branch[old]


def _with_ids(text: str, pairs: Sequence[tuple[str, str]], file: str, rename: Renamer) -> str:
    operations = [Rename(op="rename", step=old, to=new) for old, new in pairs]
    return applied(text, file, operations, rename).text if operations else text


def _document(text: str, file: str) -> dict[str, Any]:
    value = parse(text, file).value
    if not isinstance(value, dict):
        raise InvalidFile(f"{file} does not contain a JSON object.")
    return value
