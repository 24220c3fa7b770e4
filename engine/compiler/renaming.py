"""Rename steps: the compiler finds every place in the workflow that refers to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from engine.base.errors import InUse, InvalidFile, InvalidInput, UnknownName
from engine.base.problem import Problem
from engine.base.step_tree import StepDefinition, StepNode, step_nodes
from engine.compiler.checks.report import Report, StepName
from engine.compiler.compiler import read_workflow
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.identifiers import step_id_fault
from engine.documents.json_file import JsonFile, JsonPath, parse
from engine.documents.json_splice import Splice, spliced
from engine.expressions.templates import Token, tokens

_QUOTES = "'\""


def rename_splices(
    file: JsonFile, name: str, around: CompilerContext, renames: Sequence[tuple[str, str]], *, needs_plan: bool = True
) -> tuple[Splice, ...]:
    """Return the splices that change the ids of steps, wherever the text of a workflow refers to them.

    `renames`: (old, new), in which no id comes twice. Texts that only look like an id are kept. `needs_plan`: the
    workflow must have no errors; else it may have some, as long as the new ids add none. Raises UnknownName,
    InvalidInput (not an id, or the same), InUse (the id of another step), InvalidFile (the workflow has errors, so that
    not all references could be found).
    """
    compiled, report = read_workflow(file, name, around)
    if report is None or (needs_plan and compiled.plan is None):
        raise InvalidFile.of(file.file, compiled.problems)
    nodes = list(step_nodes(file.value))
    ids, new_ids = [node.step.id for node in nodes], dict(renames)
    for old, new in renames:
        _check_ids(ids, old, new)
    places = {file.span(path, begin, begin + len(old)): new_ids[old] for path, begin, old in _places(report, new_ids)}
    for node in nodes:
        places |= {file.span(path, 0, len(old)): new_ids[old] for path, old in _ids(node, new_ids)}
    # From the end: each splice counts in the text that those before it have made.
    splices = tuple(Splice(start, file.text[start:end], places[start, end]) for start, end in sorted(places)[::-1])
    _check(spliced(file.text, splices), compiled.problems, file, name, around)
    return splices


def _check_ids(ids: Sequence[str], old: str, new: str) -> None:
    if old not in ids:
        raise UnknownName("step", old, ids)
    if new == old:
        raise InvalidInput(f"The step is called {old!r} already.", remedy="Choose another id.", field="new")
    if new in ids:
        raise InUse(f"There is already a step {new!r}.", remedy="Choose another id.")
    fault = step_id_fault(new)
    if fault is not None:
        raise InvalidInput(f"The id of a step {fault[0]}, not {new!r}.", remedy=fault[1], field="new")


def _places(report: Report, renamed: Collection[str]) -> Iterator[tuple[JsonPath, int, str]]:
    """Yield (path, offset, id) of each occurrence of one of the ids in an expression."""
    for one in report.step_names:
        if one.step in renamed:
            path = report.written(one.path)
            token = _token(_at(report.file.value, path), one, one.step)
            yield path, token.offset + token.text.index(one.step), one.step


def _ids(node: StepNode[StepDefinition], renamed: Collection[str]) -> Iterator[tuple[JsonPath, str]]:
    """Yield (path, id) of the id of a step, and of its `needs`, that are one of the ids."""
    if node.step.id in renamed:
        yield (*node.place, "id"), node.step.id
    needs = node.step.json.get("needs")
    for index, one in enumerate(needs if isinstance(needs, list) else ()):
        if isinstance(one, str) and one in renamed:
            yield (*node.place, "needs", index), one


def _token(text: str, name: StepName, old: str) -> Token:
    """Return the token of the id: the one behind a dot or bracket; for has(a.b) the last in the argument."""
    following = tokens(text, name.offset)
    if name.is_asked:
        following = iter(_in_brackets(following)[::-1])
    return next(one for one in following if _is(one, old))


def _in_brackets(following: Iterator[Token]) -> list[Token]:
    inside: list[Token] = []
    depth = 0
    for token in following:
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if depth == 0:
            break
        inside.append(token)
    return inside


def _is(token: Token, name: str) -> bool:
    return token.kind in ("name", "string") and token.text.strip(_QUOTES) == name


def _check(text: str, before: Sequence[Problem], file: JsonFile, name: str, around: CompilerContext) -> None:
    """Raise InvalidFile if the new text has errors that the old one does not have."""
    compiled, _ = read_workflow(parse(text, file.file), name, around)
    if _errors(compiled.problems) - _errors(before):
        raise InvalidFile.of(file.file, compiled.problems)


def _errors(problems: Sequence[Problem]) -> Counter[str]:
    # By their codes: messages name steps, which have other ids now.
    return Counter(one.code for one in problems if one.severity == "error")


def _at(document: Any, path: JsonPath) -> Any:
    for part in path:
        document = document[part]
    return document
