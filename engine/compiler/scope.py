"""The names that the expressions of one block may use, with their types, and the check of each expression."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from engine.compiler.alarms import alarm_words
from engine.compiler.comparisons import never_so
from engine.compiler.constants import failing
from engine.compiler.facts import NOTHING_KNOWN, Facts, learned, normal
from engine.compiler.presence import Parts, Reading, root
from engine.compiler.report import Checked, Report, StepName
from engine.compiler.schemaparts import resolved, within
from engine.compiler.schemas import STATUS
from engine.compiler.typewords import FILE, WHOLE, conversion, is_file, is_no_file, seen, wanted
from engine.errors import ExpressionError
from engine.expressions.celtypes import Schema, Types, fits
from engine.expressions.compile_errors import compile_errors
from engine.expressions.expressions import Template, compile_part, extensions
from engine.expressions.loosening import Unsound, compile_in
from engine.expressions.references import Reference, uses
from engine.expressions.results import result_schema
from engine.expressions.syntax import Node, tree
from engine.expressions.templates import Part, Spelling, parts, spelling, tokens
from engine.expressions.wording import NOTHING_YET
from engine.workspace.jsonfile import JsonPath

_ERROR: Schema = {"type": "object", "properties": {"type": {"type": "string"}, "message": {"type": "string"}}}
RUN: Schema = {"type": "object", "properties": {"id": {"type": "string"}, "started_at": {"type": "string"}}}
TEXT: Schema = {"type": "string"}
CONDITION: Schema = {"type": "boolean"}
LIST: Schema = {"type": "array"}
KEY: Schema = {"type": ["string", "integer"]}
MAYBE_ABSENT = "maybe_absent"
QUOTES = "'\""
BROKEN: Any = object()
"""Stands in a compiled field whose expression is wrong, or of which nothing can be said; such a plan never runs."""


def step_entry(output: Schema) -> Schema:
    """Return the schema of `steps.<id>` for a step with this output."""
    return {"type": "object", "properties": {"status": STATUS, "output": output, "error": _ERROR}}


@dataclass(frozen=True)
class Checker:
    """What checks expressions: a CEL environment, and its types."""

    environment: Any
    types: Types
    entries: str
    """The message type of `steps`."""

    @classmethod
    def of(cls, variables: Mapping[str, Schema], steps: Mapping[str, Schema], types: Types) -> Checker:
        """Return a checker for variables, and steps with these outputs."""
        from cel_expr_python import cel

        entries = types.message({name: step_entry(output) for name, output in steps.items()})
        known = {name: types.variable(schema) for name, schema in variables.items()}
        known["steps"] = cel.Type(entries)
        return cls(cel.NewEnv(descriptor_pool=types.pool(), variables=known, extensions=extensions()), types, entries)


@dataclass(frozen=True)
class Scope:
    """What one block sees: variables by name, steps by id, and what is certain there."""

    report: Report
    variables: Mapping[str, Schema]
    """Schema of each root name except `steps`."""
    steps: Mapping[str, Schema]
    """Output schema of every step that a name could mean here, siblings that run later included."""
    types: Types
    wrong_loop_names: frozenset[str] = frozenset()
    """Where the loops around have names that cannot be: what begins with an unknown name may be their item."""
    bindings: Mapping[str, str] = field(default_factory=dict)
    """For variables that mean something else elsewhere (of loops): a name that only this one has."""
    parts: Mapping[str, Parts] = field(default_factory=dict)
    """What is known of the values of variables, by the names that only they have."""
    facts: Facts = NOTHING_KNOWN
    only: str = ""
    """What is said of names that mean something elsewhere in the file, where hardly any can be seen."""

    def inner(
        self, variables: Mapping[str, Schema], steps: Mapping[str, Schema], wrong_name: str | None = None
    ) -> Scope:
        """Return the scope of a block inside this one; `wrong_name` is the impossible name of its loop."""
        wrong = self.wrong_loop_names | ({wrong_name} if wrong_name is not None else set())
        return replace(
            self,
            variables={**self.variables, **variables},
            steps={**self.steps, **self.report.outputs_of(self.steps), **steps},
            wrong_loop_names=wrong,
        )

    def bound(self, owner: str, names: Mapping[str, Parts]) -> Scope:
        """Return the same scope where these variables are those of a step; what is known of their values."""
        own = {name: f"{name}@{owner}" for name in names}
        known = {own[name]: value for name, value in names.items()}
        return replace(self, bindings={**self.bindings, **own}, parts={**self.parts, **known})

    def given(self, condition: Any, path: JsonPath) -> Scope:
        """Return the scope of what only runs where the condition at `path` (as compiled) is true."""
        if condition is False:
            return replace(self, facts=Facts(is_impossible=True))
        checked = self.report.wholes.get(path)
        if checked is None:
            return self
        return replace(self, facts=self.facts | learned(checked.tree, self.report.steps))

    @cached_property
    def roots(self) -> frozenset[str]:
        """Every name that an expression may begin with."""
        return frozenset(self.variables) | {"steps"}

    @cached_property
    def _checker(self) -> Checker:
        return Checker.of(self.variables, self.steps, self.types)

    def _checker_for(self, source: str) -> Checker:
        """Return what checks an expression: of the steps that it names, all that is known by now."""
        named = {token.text.strip(QUOTES) for token in tokens(source) if token.kind in ("name", "string")}
        later = self.report.outputs_of(named & self.steps.keys())
        if all(self.steps[name] is output for name, output in later.items()):
            return self._checker
        # Few steps, so that a long row of them is compiled in time.
        steps = {name: self.steps[name] for name in named & self.steps.keys()}
        return Checker.of(self.variables, {**steps, **later}, Types())

    def tree(self, path: JsonPath, value: Any, schema: Schema, finished: frozenset[str]) -> Any:
        """Compile every text of a JSON value; `schema` is what the whole of it must be."""
        schema = resolved(schema)
        if isinstance(value, str) and "{{" in value:
            return self.template(path, value, schema, finished)
        if isinstance(value, dict):
            known = schema.get("properties", {})
            return {
                key: self.tree((*path, key), inner, within(schema, known.get(key)), finished)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            items = within(schema, schema.get("items"))
            return [self.tree((*path, index), inner, items, finished) for index, inner in enumerate(value)]
        return value

    def template(self, path: JsonPath, text: str, schema: Schema, finished: frozenset[str]) -> Any:
        """Compile a text with expressions: a Template, or its value where no expression in it depends on anything.

        Problems go to the report and BROKEN comes back.
        """
        before = self._wrongs()
        try:
            found = parts(text)
        except ExpressionError as error:
            self._refuse(path, error, 0)
            return BROKEN
        if any(part.is_expression and self._is_doubtful(part.text) for part in found):
            return BROKEN
        expressions = [part for part in found if part.is_expression]
        checks = [self._check(path, part, finished) for part in expressions]
        whole = len(found) == 1
        for checked in checks:
            if checked is not None:
                self._fit(path, checked, schema if whole else TEXT, is_whole=whole)
        if not whole and not fits(schema, "STRING"):
            self.report.add(path, f"This field takes {wanted(schema)}, and this is text.", "type", WHOLE)
        if self._wrongs() > before or None in checks:
            return BROKEN
        if whole and checks[0] is not None:
            self.report.wholes[path] = checks[0]
        known = {part.offset: one for part, one in zip(expressions, checks, strict=True) if one is not None}
        return self._folded(path, text, found, known)

    def _folded(self, path: JsonPath, text: str, found: Sequence[Part], known: Mapping[int, Checked]) -> Any:
        """Return the value of a text that depends on nothing, else a Template; `known`: its expressions by offset.

        Where a constant has no value, that is found now, not in each run.
        """
        references = {offset: one.references for offset, one in known.items()}
        pieces = [compile_part(part, self.roots, references.get(part.offset)) for part in found]
        template = Template(text, tuple(pieces))
        place = 0
        try:
            for part, piece in zip(found, pieces, strict=True):
                place = part.offset
                if not isinstance(piece, str) and known[place].is_constant:
                    piece.value({})
            return template.value({}) if all(one.is_constant for one in known.values()) else template
        except ExpressionError as error:
            self.report.add(path, error.message, "expression", error.remedy, place)
            return BROKEN

    def _wrongs(self) -> int:
        return sum(one.code != MAYBE_ABSENT for one in self.report.errors)

    def _is_doubtful(self, source: str) -> bool:
        """Tell whether an expression names what a wrong id or `as` hides: nothing can be said of it then."""
        hidden = self.report.unspeakable
        if hidden is not None and hidden.search(source):
            return True
        return any(re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", source) for name in self.wrong_loop_names)

    def _check(self, path: JsonPath, part: Part, finished: frozenset[str]) -> Checked | None:
        """Check one expression; return what is known of it, None where it is wrong."""
        try:
            spelt = spelling(part.text)
        except ExpressionError as error:
            self._refuse(path, error, part.offset)
            return None
        checker = self._checker_for(part.text)
        try:
            compiled, spelt = compile_in(checker.environment, spelt)
        except Unsound as error:
            known = {**checker.types.fields, checker.entries: sorted(self.steps), "": sorted(self.roots)}
            for one in compile_errors(error.errors, error.spelt, part.text, known):
                if one.details.get("holder") == checker.entries:
                    self.report.unknown_steps.add(one.details["name"])
                self._refuse(path, one, part.offset)
            return None
        serialized = compiled.serialize()
        written = tree(serialized)
        used = tuple(uses(written))
        for wrong in failing(written) if used else ():
            place = part.offset + spelt.source_of(wrong.offset)
            self.report.add(path, wrong.message, "expression", wrong.remedy, place)
        self._warn_of_comparisons(path, part, spelt, written, used)
        read = normal(written, self.bindings)
        reading = Reading(self.report.steps)
        value = reading.parts(read, self.facts, self.parts)
        self.report.input_names.update((*one.path, "")[1] for one in used if one.path[0] == "inputs")
        self._note_steps(path, part, spelt, reading, finished)
        schema = result_schema(serialized, checker.types.schema)
        return Checked(str(compiled.return_type().name()), schema, read, value, used)

    def _warn_of_comparisons(
        self, path: JsonPath, part: Part, spelt: Spelling, written: Node, used: Sequence[Reference]
    ) -> None:
        named = {one.path[1] for one in used if one.path[0] == "steps" and len(one.path) > 1} & self.steps.keys()
        outputs = {**{name: self.steps[name] for name in named}, **self.report.outputs_of(named)}
        entries = {"properties": {name: step_entry(output) for name, output in outputs.items()}}
        for wrong in never_so(written, {**self.variables, "steps": entries}):
            place = part.offset + spelt.source_of(wrong.offset)
            self.report.add(path, wrong.message, "never_so", wrong.remedy, place, "warning")

    def _note_steps(
        self, path: JsonPath, part: Part, spelt: Spelling, reading: Reading, finished: frozenset[str]
    ) -> None:
        """Report what is not certainly finished or there, and keep where steps are named."""
        ordered: set[str] = set()
        for use in reading.uses:
            offset = part.offset + spelt.source_of(use.node.offset)
            is_asked = use.node.kind == "has"
            self.report.step_names.append(StepName(use.step, path, offset, use.is_direct, is_asked))
            if use.is_direct and use.step not in ordered:
                ordered.add(use.step)
                self._check_order(path, use.step, part.offset + spelt.source_of(root(use.node).offset), finished)
        told: set[object] = set()
        for alarm in reading.alarms:
            if not {alarm.path, alarm.offset} & told:  # once a path, and of a long path only where it may end first
                told.update((alarm.path, alarm.offset))
                message, remedy = alarm_words(alarm)
                place = part.offset + spelt.source_of(alarm.offset)
                self.report.add(path, message, MAYBE_ABSENT, remedy, place)

    def _refuse(self, path: JsonPath, error: ExpressionError, offset: int) -> None:
        if self.wrong_loop_names and error.message.startswith("There is nothing named"):
            return
        hidden = None if self.only else self._hidden_step(error.message)
        message, remedy = hidden or (error.message, error.remedy)
        is_near = "did you mean" in remedy.lower()
        if self.only and (remedy == NOTHING_YET or (message.startswith("There is nothing named") and not is_near)):
            remedy = self.only
        if remedy == ExpressionError.default_remedy:
            remedy = ""
        self.report.add(path, message, "expression", remedy, offset + error.details.get("offset", 0))

    def _hidden_step(self, message: str) -> tuple[str, str] | None:
        """Explain a name that is a step of the file, though none that can be seen from here."""
        for name, group in self.report.groups.items():
            if message != f"There is no field {name!r} here." or name in self.steps:
                continue
            if self.bindings.get("error") == "error@on_failure":
                remedy = "There are: inputs, run, error.type, error.message, error.step, and the steps beside it."
                return f"Step {name!r} cannot be seen in 'on_failure'.", remedy
            if group:
                return (
                    f"Step {name!r} is inside {group!r} and cannot be seen from here.",
                    f"Use steps.{group}.output, and give {group!r} an 'output' if it lacks something.",
                )
        return None

    def _check_order(self, path: JsonPath, name: str, offset: int, finished: frozenset[str]) -> None:
        doubts = self.report.doubts
        if name in self.steps and name not in finished and name not in doubts.strangers | doubts.twice:
            message, remedy = self.report.words_around(name, path) or (
                f"Step {name!r} is not certainly finished before this one.",
                f"Move this step below {name!r}, or name {name!r} in its 'needs'.",
            )
            self.report.add(path, message, "order", remedy, offset)

    def _fit(self, path: JsonPath, checked: Checked, schema: Schema, *, is_whole: bool) -> None:
        add, kind = self.report.add, checked.kind
        if "optional" in kind.lower():
            add(path, "The expression may have no value.", "type", "End it with .orValue(…).")
        elif kind in ("BYTES", "TYPE") or kind.startswith("TYPE"):
            add(path, "The expression gives no JSON value.", "type", "Turn it into text with string(…).")
        elif is_whole and is_file(schema) and is_no_file(checked.schema):
            other = seen(kind).replace("an object", "another object")
            add(path, f"This field takes {wanted(schema)}, and this is {other}.", "type", FILE)
        elif is_whole and not fits(schema, kind):
            message = f"This field takes {wanted(schema)}, and this is {seen(kind)}."
            add(path, message, "type", conversion(schema, kind))
        elif not is_whole and kind == "NULL":
            add(path, "A null stands in the middle of text.", "type", "Write text instead, or leave it out.")
