"""Load the text of a workflow file into its model, and report every structural problem at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from clients.wording import nearest
from engine.base.errors import OrchestraError
from engine.base.problem import Problem
from engine.compiler.definition.identifiers import is_speakable, is_variable, loop_name_fault, step_id_fault
from engine.compiler.definition.model import WorkflowModel
from engine.compiler.definition.problems import STEP_LISTS, SuppressedProblems, problem, step_and_field
from engine.compiler.definition.step_model import StepModel, misfits_of
from engine.documents.json_file import JsonFile, JsonPath
from engine.documents.repair import ABSENT, DocumentRepair, repaired
from engine.documents.shapes import Fault
from engine.plugins.registry import step_type

_NAMELESS = "?"
_NAMED_STEP = re.compile(r"\bsteps\s*\.\s*\??\s*([A-Za-z_][A-Za-z0-9_]*)")


class Loaded(Struct, frozen=True):
    """The well-formed part of a workflow file."""

    model: WorkflowModel | None
    problems: list[Problem]
    suppressed: SuppressedProblems = field(default_factory=SuppressedProblems)
    renamed: Mapping[JsonPath, JsonPath] = field(default_factory=dict)
    """Path in the model -> path in the file, for misspelt keys."""


def load(file: JsonFile) -> Loaded:
    """Check the structure of a parsed workflow file; the model has everything that is well-formed."""
    if not isinstance(file.value, dict):
        remedy = 'Write { "schema_version": 1, "title": …, "steps": [ … ] }.'
        return Loaded(None, [problem(file, (), "A workflow file holds one JSON object.", code="form", remedy=remedy)])
    model, repair = repaired(WorkflowModel, file.value, _stand_in)
    found = [*repair.faults]
    if model is not None:
        found += _step_faults(model, repair)
    problems = [_form_problem(file, fault, repair.written(fault.path)) for fault in found]
    if model is None:
        return Loaded(None, problems)
    return Loaded(model, problems, _suppressed(file, model, repair), repair.renamed)


def _stand_in(path: JsonPath) -> Any:
    """Return a replacement for a faulty value, so that the rest can be read; the id of a nameless step is not shown."""
    nameless = {"id": _NAMELESS + ".".join(map(str, path))}
    if path[-1] == "steps":
        return [nameless]
    if isinstance(path[-1], int):
        return nameless if path[-2] in STEP_LISTS else ABSENT
    return {"id": nameless["id"], "foreach": "{{ [] }}", "schema_version": 1}.get(path[-1], ABSENT)


def is_nameless(some_id: str) -> bool:
    """Return whether an id replaces one that is missing or unreadable, which has been reported."""
    return some_id.startswith(_NAMELESS)


def _step_faults(model: WorkflowModel, repair: DocumentRepair) -> Iterator[Fault]:
    for node in model.nodes():
        place, step = node.place, node.step
        if not step.id.startswith(_NAMELESS) and (fault := step_id_fault(step.id)):
            yield Fault((*place, "id"), f"'id' {fault[0]}, not {step.id!r}.", "wrong_value", fault[1])
        if fault := loop_name_fault(step.as_):
            yield Fault((*place, "as"), f"'as' {fault[0]}, not {step.as_!r}.", "wrong_value", fault[1])
        lost = {str(one[-1]) for one in repair.lost if one[:-1] == place}
        is_ours = place in repair.lost or place[:-1] in repair.lost
        if not is_ours and not _has_stray(lost, step):
            for message, remedy in misfits_of(step, lost):
                yield Fault(place, message, "wrong_value", remedy)


def _has_stray(lost: set[str], step: StepModel) -> bool:
    """Return whether an unknown key may be meant as the missing `uses` or `steps`."""
    known = {info.alias or name for name, info in type(step).model_fields.items()}
    return step.uses is None and step.steps is None and bool(lost - known)


def _suppressed(file: JsonFile, model: WorkflowModel, repair: DocumentRepair) -> SuppressedProblems:
    every = [(node.place, node.step) for node in model.nodes()]
    count = Counter(step.id for _, step in every)
    lost = frozenset(repair.lost)
    unsure = {
        step.id
        for path, step in every
        if count[step.id] > 1 or {(*path, "with"), (*path, "on_error"), (*path, "uses"), (*path, "steps")} & lost
    }
    ids, loops = {step.id for _, step in every}, {step.as_ for _, step in every}
    nameless = any(name.startswith(_NAMELESS) for name in ids)
    silent = {name for name in ids if not is_speakable(name)} | {name for name in loops if not is_variable(name)}
    return SuppressedProblems(
        lost=lost,
        unsure=frozenset(unsure),
        twice=frozenset(name for name, times in count.items() if times > 1),
        strangers=_strangers(file, every, ids) if nameless else frozenset(),
        unspeakable=frozenset(name for name in silent if not name.startswith(_NAMELESS)),
    )


def _strangers(file: JsonFile, every: Sequence[tuple[JsonPath, StepModel]], ids: set[str]) -> frozenset[str]:
    """Return the unknown names that unreadable steps may have: they resemble no id."""
    named = frozenset(_NAMED_STEP.findall(file.text)).union(*(step.needs or [] for _, step in every))
    return frozenset(name for name in named - ids if nearest(name, sorted(ids)) is None)


def _form_problem(file: JsonFile, fault: Fault, path: JsonPath) -> Problem:
    line, column = file.key_place(path) if fault.is_about_key else file.place(path)
    step, where = step_and_field(file.value, path)
    remedy = _remedy_in_with(file.value, path) if fault.code == "unknown_key" else ""
    return Problem(
        fault.message,
        code=fault.code,
        file=file.file,
        line=line,
        column=column,
        step=step,
        field=where,
        remedy=remedy or fault.remedy,
    )


def _remedy_in_with(document: Any, path: JsonPath) -> str:
    """Return the remedy for a field of a step type that stands beside `with`; an empty text for any other key."""
    for part in path[:-1]:
        document = document[part]
    uses, name = document.get("uses"), str(path[-1])
    try:
        fields = step_type(uses).fields.model_fields if isinstance(uses, str) else {}
    except OrchestraError:  # reported where it stands
        return ""
    if name not in fields:
        return ""
    return f'It is a field of {uses}: write it in \'with\', as "with": {{"{name}": …}}.'
