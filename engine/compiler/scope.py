"""The names that the expressions of one block may use, with their types, and the check of each expression."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from engine.compiler.loader import Doubts, problem
from engine.compiler.model import CEL_WORDS
from engine.errors import ExpressionError, Problem
from engine.expressions.celtypes import Schema, Types, fits
from engine.expressions.expressions import Expression, Template, compile_error, compile_template, extensions
from engine.expressions.references import references
from engine.expressions.templates import Part, parts, spelling
from engine.workspace.jsonfile import JsonFile, JsonPath

_ERROR: Schema = {"type": "object", "properties": {"type": {"type": "string"}, "message": {"type": "string"}}}
RUN: Schema = {"type": "object", "properties": {"id": {"type": "string"}, "started_at": {"type": "string"}}}
TEXT: Schema = {"type": "string"}
CONDITION: Schema = {"type": "boolean"}
LIST: Schema = {"type": "array"}
KEY: Schema = {"type": ["string", "integer"]}
ANYTHING: Schema = {}

_WANTED = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
_SEEN = {
    "STRING": "text",
    "INT": "a whole number",
    "DOUBLE": "a number with a point",
    "BOOL": "true or false",
    "LIST": "a list",
    "MAP": "an object",
    "NULL": "null",
    "TIMESTAMP": "a time",
    "DURATION": "a duration",
}


def step_entry(output: Schema) -> Schema:
    """Return the schema of `steps.<id>` for a step with this output."""
    return {"type": "object", "properties": {"status": TEXT, "output": output, "error": _ERROR}}


@dataclass
class Report:
    """Where a compilation writes down what is wrong."""

    file: JsonFile
    groups: Mapping[str, str]
    """For each step id of the file: the id of the group around it, or an empty string."""
    doubts: Doubts
    renamed: dict[JsonPath, JsonPath]
    """Path that was checked -> path in the file, where a misspelt key was taken for the one meant."""
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: JsonPath, message: str, code: str, remedy: str = "", offset: int = 0) -> None:
        """Write down an error at a value of the file."""
        self.problems.append(problem(self.file, self.written(path), message, offset=offset, code=code, remedy=remedy))

    def written(self, path: JsonPath) -> JsonPath:
        """Return the path in the file of a path that was checked."""
        for end in range(len(path), 0, -1) if self.renamed else ():
            if path[:end] in self.renamed:
                return (*self.written(self.renamed[path[:end]]), *path[end:])
        return path

    @cached_property
    def unspeakable(self) -> re.Pattern[str] | None:
        """What shows that an expression tries to name something whose name it cannot hold."""
        names = sorted(self.doubts.unspeakable)
        words = [rf"(?<!\w){re.escape(name)}(?!\w)" for name in names if name not in CEL_WORDS]
        words += [rf"[.?'\"]\s*{name}(?!\w)|(?<![\w.]){name}\s*\." for name in names if name in CEL_WORDS]
        return re.compile("|".join(words)) if words else None


@dataclass(frozen=True)
class Scope:
    """What one block sees: variables by name, steps by id."""

    report: Report
    variables: Mapping[str, Any]
    """Schema (a dict) or CEL type of each root name except `steps`."""
    steps: Mapping[str, Schema]
    """Output schema of every step that a name could mean here, siblings that run later included."""
    types: Types
    wrong_loop_names: frozenset[str] = frozenset()
    """Where the loops around have names that cannot be: what begins with an unknown name may be their item."""

    def inner(self, variables: Mapping[str, Any], steps: Mapping[str, Schema], wrong_name: str | None = None) -> Scope:
        """Return the scope of a block inside this one; `wrong_name` is the impossible name of its loop."""
        wrong = self.wrong_loop_names | ({wrong_name} if wrong_name is not None else set())
        return Scope(self.report, {**self.variables, **variables}, {**self.steps, **steps}, self.types, wrong)

    @cached_property
    def roots(self) -> frozenset[str]:
        """Every name that an expression may begin with."""
        return frozenset(self.variables) | {"steps"}

    @cached_property
    def _checker(self) -> Any:
        from cel_expr_python import cel

        entries = {name: step_entry(output) for name, output in self.steps.items()}
        variables = {
            name: self.types.variable(kind) if isinstance(kind, Mapping) else kind
            for name, kind in self.variables.items()
        }
        variables["steps"] = cel.Type(self.types.message(entries))
        return cel.NewEnv(descriptor_pool=self.types.pool(), variables=variables, extensions=extensions())

    def tree(self, path: JsonPath, value: Any, schema: Schema, finished: frozenset[str]) -> Any:
        """Compile every text of a JSON value; `schema` is what the whole of it must be."""
        if isinstance(value, str) and "{{" in value:
            return self.template(path, value, schema, finished)
        if isinstance(value, dict):
            return {key: self.tree((*path, key), inner, ANYTHING, finished) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.tree((*path, index), inner, ANYTHING, finished) for index, inner in enumerate(value)]
        return value

    def template(self, path: JsonPath, text: str, schema: Schema, finished: frozenset[str]) -> Template | None:
        """Compile a text with expressions; problems go to the report and None comes back."""
        before = len(self.report.problems)
        try:
            found = parts(text)
        except ExpressionError as error:
            self._refuse(path, error, 0)
            return None
        if any(part.is_expression and self._is_doubtful(part.text) for part in found):
            return None
        kinds = [self._check(path, part, finished) for part in found if part.is_expression]
        whole = len(found) == 1
        for kind in kinds:
            self._fit(path, kind if whole else "", schema if whole else TEXT, kind)
        if not whole and not fits(schema, "STRING"):
            self.report.add(path, f"This field takes {_wanted(schema)}, and this is text.", "type", _WHOLE)
        if len(self.report.problems) > before or "" in kinds:
            return None
        return compile_template(text, self.roots)

    def _is_doubtful(self, source: str) -> bool:
        """Tell whether an expression names what a wrong id or `as` hides: nothing can be said of it then."""
        hidden = self.report.unspeakable
        if hidden is not None and hidden.search(source):
            return True
        return any(re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", source) for name in self.wrong_loop_names)

    def item_type(self, template: Template) -> Any:
        """Return the CEL type of the items of a list expression that compiled."""
        from cel_expr_python import cel

        piece = template.pieces[0]
        assert isinstance(piece, Expression)
        kind = self._checker.compile(spelling(piece.source).text).return_type().name()
        return _cel_type(kind[5:-1]) if kind.startswith("LIST<") else cel.Type.DYN

    def _check(self, path: JsonPath, part: Part, finished: frozenset[str]) -> str:
        """Check one expression; return the name of its CEL type, empty where it has none."""
        try:
            spelt = spelling(part.text)
            checked = self._compiled(spelt)
        except ExpressionError as error:
            self._refuse(path, error, part.offset)
            return ""
        named: dict[str, int] = {}
        for reference in references(checked.serialize()):
            if reference.path[0] == "steps" and len(reference.path) > 1:
                named.setdefault(reference.path[1], part.offset + spelt.source_of(reference.offset))
        for name, offset in named.items():
            self._check_order(path, name, offset, finished)
        return str(checked.return_type().name())

    def _compiled(self, spelt: Any) -> Any:
        try:
            return self._checker.compile(spelt.text)
        except RuntimeError as error:
            known = {**self.types.fields, "": sorted(self.roots)}
            raise compile_error(str(error), spelt, known) from error

    def _refuse(self, path: JsonPath, error: ExpressionError, offset: int) -> None:
        if self.wrong_loop_names and error.message.startswith("There is nothing named"):
            return
        hidden = self._hidden_step(error.message)
        message, remedy = hidden or (error.message, error.remedy)
        if remedy == ExpressionError.default_remedy:
            remedy = ""
        self.report.add(path, message, "expression", remedy, offset + error.details.get("offset", 0))

    def _hidden_step(self, message: str) -> tuple[str, str] | None:
        """Explain a name that is a step of the file, though none that can be seen from here."""
        for name, group in self.report.groups.items():
            if message == f"There is no field {name!r} here." and name not in self.steps and group:
                return (
                    f"Step {name!r} is inside {group!r} and cannot be seen from here.",
                    f"Use steps.{group}.output, and give {group!r} an 'output' if it lacks something.",
                )
        return None

    def _check_order(self, path: JsonPath, name: str, offset: int, finished: frozenset[str]) -> None:
        doubts = self.report.doubts
        if name in self.steps and name not in finished and name not in doubts.strangers | doubts.twice:
            self.report.add(
                path,
                f"Step {name!r} is not certainly finished before this one.",
                "order",
                f"Move this step below {name!r}, or name {name!r} in its 'needs'.",
                offset,
            )

    def _fit(self, path: JsonPath, whole_kind: str, schema: Schema, kind: str) -> None:
        if not kind:
            return
        if "optional" in kind.lower():
            self.report.add(path, "The expression may have no value.", "type", "End it with .orValue(…).")
        elif kind in ("BYTES", "TYPE") or kind.startswith("TYPE"):
            self.report.add(path, "The expression gives no JSON value.", "type", "Turn it into text with string(…).")
        elif whole_kind and not fits(schema, whole_kind):
            head = whole_kind.split("<", 1)[0]
            seen = _SEEN.get(head, "an object")
            self.report.add(
                path, f"This field takes {_wanted(schema)}, and this is {seen}.", "type", _remedy(schema, head)
            )
        elif not whole_kind and kind == "NULL":
            self.report.add(
                path, "A null stands in the middle of text.", "type", "Write text instead, or leave it out."
            )


_WHOLE = "Make the whole field one expression: {{ … }} with nothing around it."


_CONVERSIONS = {
    "boolean": "Compare it with something, like x == 'yes' or x > 0.",
    "array": "Name a list, or make one of it: [x].",
    "integer": "Turn it into a whole number with int(…).",
    "number": "Turn it into a number with double(…).",
    "object": "Name an object, or write one: {'name': x}.",
    "string": "Name a text, or turn it into one with text(…).",
}


def _remedy(schema: Schema, head: str) -> str:
    if schema.get("type") == "string" and head in ("INT", "DOUBLE", "BOOL"):
        return "Turn it into text with string(…)."
    if schema.get("type") == "string" and head in ("LIST", "MAP"):
        return "Turn it into text with json(…), or take one field of it."
    return _CONVERSIONS.get(str(schema.get("type")), "Use an expression that gives that.")


def _wanted(schema: Schema) -> str:
    options = [schema, *schema.get("anyOf", [])]
    kinds: list[str] = []
    for option in options:
        kind = option.get("type")
        kinds += [kind] if isinstance(kind, str) else list(kind or [])
    return " or ".join(dict.fromkeys(_WANTED.get(kind, kind) for kind in kinds if kind != "null")) or "another value"


def _cel_type(name: str) -> Any:
    """Return the CEL type for the name that the runtime prints, e.g. `LIST<wf.T4>`."""
    from cel_expr_python import cel

    if name.startswith("LIST<"):
        return cel.Type.List(_cel_type(name[5:-1]))
    if name.startswith("MAP<STRING, "):
        return cel.Type.Map(cel.Type.STRING, _cel_type(name[12:-1]))
    scalars = {"STRING", "INT", "DOUBLE", "BOOL", "TIMESTAMP", "DURATION"}
    if name in scalars:
        return getattr(cel.Type, name)
    return cel.Type(name) if name.startswith("wf.") else cel.Type.DYN
