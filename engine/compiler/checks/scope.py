"""Scopes: the names and types that the expressions of a block may use, and the check of each expression.

An expression is checked three times over. CEL checks names and types against the JSON Schemas of inputs and step
outputs. The order of steps decides whether a step it names is certainly finished. The missing-value analysis decides
whether that step certainly has an output. The result of each check narrows the types of what follows. If an earlier
error makes a result uncertain (`SuppressedProblems`), nothing is reported: only first errors, never their consequences.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from clients.wording import did_you_mean
from engine.base.errors import ExpressionError
from engine.compiler.analysis.comparisons import has_comparisons, never_so
from engine.compiler.analysis.conditions import NOTHING_KNOWN, Facts, learned, normal
from engine.compiler.analysis.failing import failing
from engine.compiler.analysis.missing_value_messages import alarm_words
from engine.compiler.analysis.missing_values import MissingValueDomain, ValueParts, root
from engine.compiler.checks.report import BROKEN, MAYBE_ABSENT, CheckedExpression, Report, StepName, StepNames
from engine.compiler.definition.complexity import require_time
from engine.compiler.definition.environment import Environment
from engine.compiler.definition.type_words import FILE, WHOLE, conversion, is_file, is_no_file, seen, wanted
from engine.documents.json_file import JsonPath
from engine.expressions.cel_types import TEXT, Schema, fits, resolved, within
from engine.expressions.expressions import Template, expression_of
from engine.expressions.function_table import may_call_one, require_arguments
from engine.expressions.interpreter import Interpreter
from engine.expressions.origins import NOTHING, mixed
from engine.expressions.references import Reference, references
from engine.expressions.templates import Spelling, TemplatePart, parts
from engine.expressions.typed import TypedExpression, Visible, WrongExpression, compile_typed, step_entry


class _Latest(Mapping[str, Schema]):
    """Outputs of steps: more precise schemas, as far as known, in place of the declared ones."""

    def __init__(self, declared: Mapping[str, Schema], learned: Mapping[str, Schema]) -> None:
        self._declared, self._learned = declared, learned

    def __getitem__(self, name: str) -> Schema:
        declared = self._declared[name]
        return self._learned.get(name, declared)

    def __contains__(self, name: object) -> bool:
        return name in self._declared

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)


class _Finished(Mapping[str, Schema]):
    """The outputs of the steps that are finished somewhere; a view, as each step of a long file has one."""

    def __init__(self, outputs: Mapping[str, Schema], finished: AbstractSet[str]) -> None:
        self._outputs, self._finished = outputs, finished

    def __getitem__(self, name: str) -> Schema:
        if name not in self._finished:
            raise KeyError(name)
        return self._outputs[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._outputs if name in self._finished)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Scope(Struct, frozen=True, dict=True):
    """The scope of one block: variables by name, steps by id, and the facts that hold in it."""

    report: Report
    variables: Mapping[str, Schema]
    """Schema of each root name except `steps`."""
    steps: ChainMap[str, Schema]
    """Output schema of every step that a name may refer to here, including siblings that run later."""
    wrong_loop_names: frozenset[str] = frozenset()
    """The invalid names of enclosing loops: an unknown root name may be meant as an item of such a loop."""
    bindings: Mapping[str, str] = field(default_factory=dict)
    """Unique names for variables whose name has several meanings (the variables of loops)."""
    parts: Mapping[str, ValueParts] = field(default_factory=dict)
    """What is known of the values of variables, by their unique names."""
    facts: Facts = NOTHING_KNOWN
    only: str = ""
    """The message for names that are not in scope here, if hardly any are."""
    environment: Environment | None = None
    """The environment whose variables `env` has."""

    def inner(
        self, variables: Mapping[str, Schema], steps: Mapping[str, Schema], wrong_name: str | None = None
    ) -> Scope:
        """Return the scope of a block inside this one; `wrong_name` is the invalid name of its loop."""
        wrong = self.wrong_loop_names | ({wrong_name} if wrong_name is not None else set())
        return replace(
            self,
            variables={**self.variables, **variables},
            steps=self.steps.new_child(dict(steps)) if steps else self.steps,
            wrong_loop_names=wrong,
        )

    def bound(self, owner: str, names: Mapping[str, ValueParts]) -> Scope:
        """Return the same scope with the variables of a step, and what is known of their values."""
        own = {name: f"{name}@{owner}" for name in names}
        known = {own[name]: value for name, value in names.items()}
        return replace(self, bindings={**self.bindings, **own}, parts={**self.parts, **known})

    def given(self, condition: Any, path: JsonPath) -> Scope:
        """Return the scope of code that only runs if the (compiled) condition at `path` is true."""
        if condition is False:
            return replace(self, facts=Facts(is_impossible=True))
        checked = self.report.wholes.get(path)
        if checked is None:
            return self
        return replace(self, facts=self.facts | learned(checked.tree, self.report.steps))

    def _may_be_missing(self, source: str) -> bool:
        try:
            typed = compile_typed(source, self._visible)
        except WrongExpression:
            return False
        reading = MissingValueDomain(self.report.steps)
        Interpreter(reading).value(normal(typed.tree, self.bindings), self.facts, self.parts)
        return bool(reading.alarms)

    def _is_from_outside(self, path: Sequence[str]) -> bool:
        flow, root = self.report.flow, path[0]
        if flow is None:
            return False
        whole = flow.variables.get(self.bindings.get(root, root), NOTHING)
        return whole.part(path[1:]).outside is not None

    @cached_property
    def _latest(self) -> Mapping[str, Schema]:
        """The outputs of the steps, as precise as they are known by now."""
        return _Latest(self.steps, self.report.outputs)

    @cached_property
    def _visible(self) -> Visible:
        return Visible(self.variables, self._latest)

    def names(self, finished: AbstractSet[str]) -> StepNames:
        """Return what may be named here after these steps."""
        steps = _Finished(self._latest, finished)
        return StepNames(self.variables, steps, self._may_be_missing, self._is_from_outside)

    def tree(self, path: JsonPath, value: Any, schema: Schema, finished: AbstractSet[str]) -> Any:
        """Compile every text of a JSON value; `schema` is the schema of the whole value."""
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

    def template(self, path: JsonPath, text: str, schema: Schema, finished: AbstractSet[str]) -> Any:
        """Compile a text with expressions: a Template, or its value if all expressions are constant.

        Returns BROKEN if there are problems, which go to the report.
        """
        require_time()
        before = self.report.certain_errors
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
        if self.report.certain_errors > before or None in checks:
            return BROKEN
        if whole and checks[0] is not None:
            self.report.wholes[path] = checks[0]
        elif self.report.flow is not None:
            self.report.mixed[path] = mixed([one.derived for one in checks if one is not None])
        return self._folded(path, text, found, [one for one in checks if one is not None])

    def _folded(
        self, path: JsonPath, text: str, found: Sequence[TemplatePart], checks: Sequence[CheckedExpression]
    ) -> Any:
        """Return the value of a constant text, else a Template; `checks` are its expressions.

        A constant that cannot be evaluated is found now, and not in each run.
        """
        ahead = iter(checks)
        pieces = [next(ahead).expression if part.is_expression else part.text for part in found]
        told = iter(checks)
        values = [next(told).derived if part.is_expression else NOTHING for part in found]
        ranks, addresses = (tuple(one.rank for one in values), tuple(one.is_address for one in values))
        template = Template(text, tuple(pieces), ranks, addresses)
        place = 0
        try:
            for part, piece in zip(found, pieces, strict=True):
                place = part.offset
                if isinstance(piece, str):
                    continue
                if not piece.references:
                    piece.value({})
                elif may_call_one(piece.source):
                    require_arguments(piece.written)
            return template.value({}) if all(one.is_constant for one in checks) else template
        except ExpressionError as error:
            self.report.add(path, error.message, "expression", error.remedy, place)
            return BROKEN

    def _is_doubtful(self, source: str) -> bool:
        """Return whether an expression uses a name that a wrong id or `as` hides: then it cannot be checked."""
        hidden = self.report.unspeakable
        if hidden is not None and hidden.search(source):
            return True
        return any(re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", source) for name in self.wrong_loop_names)

    def _check(self, path: JsonPath, part: TemplatePart, finished: AbstractSet[str]) -> CheckedExpression | None:
        """Check one expression; return what is known of it, or None if it is wrong."""
        require_time()
        try:
            typed = compile_typed(part.text, self._visible)
        except WrongExpression as error:
            for one in error.errors:
                if one.details.get("unknown") == "step":
                    self.report.unknown_steps.add(one.details["name"])
                self._refuse(path, one, part.offset)
            return None
        used = references(typed.tree)
        for wrong in failing(typed.tree) if used else ():
            place = part.offset + typed.spelling.source_of(wrong.offset)
            self.report.add(path, wrong.message, "expression", wrong.remedy, place)
        self._warn_of_comparisons(path, part, typed, used)
        read = normal(typed.tree, self.bindings)
        reading = MissingValueDomain(self.report.steps)
        value = Interpreter(reading).value(read, self.facts, self.parts)
        self.report.input_names.update((*one.path, "")[1] for one in used if one.path[0] == "inputs")
        self._note_steps(path, part, typed.spelling, reading, finished)
        flow = self.report.flow if used else None
        text = NOTHING if flow is None else flow.value(typed.kind, read, self.facts)
        return CheckedExpression(
            typed.kind, typed.schema, read, value, expression_of(part.text, typed.program, used), text
        )

    def _warn_of_comparisons(
        self, path: JsonPath, part: TemplatePart, typed: TypedExpression, used: Sequence[Reference]
    ) -> None:
        if not has_comparisons(part.text):
            return
        named = {one.path[1] for one in used if one.path[0] == "steps" and len(one.path) > 1}
        entries = {"properties": {name: step_entry(self._latest[name]) for name in named if name in self._latest}}
        for wrong in never_so(typed.tree, {**self.variables, "steps": entries}):
            place = part.offset + typed.spelling.source_of(wrong.offset)
            self.report.add(path, wrong.message, "never_so", wrong.remedy, place, "warning")

    def _note_steps(
        self,
        path: JsonPath,
        part: TemplatePart,
        spelt: Spelling,
        reading: MissingValueDomain,
        finished: AbstractSet[str],
    ) -> None:
        """Report steps that may be unfinished or without output, and record references to steps."""
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
            if not {alarm.path, alarm.offset} & told:  # once per path, at the first place where it may end
                told.update((alarm.path, alarm.offset))
                message, remedy = alarm_words(alarm)
                place = part.offset + spelt.source_of(alarm.offset)
                self.report.add(path, message, MAYBE_ABSENT, remedy, place)

    def _refuse(self, path: JsonPath, error: ExpressionError, offset: int) -> None:
        unknown = error.details.get("unknown")
        is_name = unknown in ("name", "function")
        if self.wrong_loop_names and is_name:
            return
        hidden = None if self.only else self._hidden_step(error) or self._missing_variable(error)
        message, remedy = hidden or (error.message, error.own_remedy)
        is_without_names = unknown is not None and not is_name and not error.details["has_others"]
        if self.only and (is_without_names or (is_name and error.details["guess"] is None)):
            remedy = self.only
        self.report.add(path, message, "expression", remedy, offset + error.details.get("offset", 0))

    def _hidden_step(self, error: ExpressionError) -> tuple[str, str] | None:
        """Explain a field that is unknown because it is a step of the file, but not in scope."""
        name = error.details.get("name", "")
        if error.details.get("unknown") not in ("field", "step") or name in self.steps:
            return None
        group = self.report.groups.get(name)
        if group is not None and self.bindings.get("error") == "error@on_failure":
            remedy = "There are: inputs, run, error.type, error.message, error.step, and the steps beside it."
            return f"Step {name!r} cannot be seen in 'on_failure'.", remedy
        if group:
            return (
                f"Step {name!r} is inside {group!r} and cannot be seen from here.",
                f"Use steps.{group}.output, and give {group!r} an 'output' if it lacks something.",
            )
        return None

    def _missing_variable(self, error: ExpressionError) -> tuple[str, str] | None:
        """Explain a name that the environment does not have."""
        name, unknown = error.details.get("name", ""), error.details.get("unknown")
        if unknown == "name" and name == "env" and self.environment is None:
            return "There is no 'env': this workspace has no environments.", "`orchestra env init` makes dev and prod."
        if unknown != "field" or error.details.get("of") != "env" or self.environment is None:
            return None
        known = list(self.environment.variables)
        near = did_you_mean(name, known) if known else ""
        return (
            f"The environment {self.environment.name!r} has no variable {name!r}.",
            f"{near} `orchestra env set {self.environment.name} {name}=VALUE` adds it.".strip(),
        )

    def _check_order(self, path: JsonPath, name: str, offset: int, finished: AbstractSet[str]) -> None:
        suppressed = self.report.suppressed
        if name in self.steps and name not in finished and name not in suppressed.strangers | suppressed.twice:
            message, remedy = self.report.words_around(name, path) or (
                f"Step {name!r} is not certainly finished before this one.",
                f"Move this step below {name!r}, or name {name!r} in its 'needs'.",
            )
            self.report.add(path, message, "order", remedy, offset)

    def _fit(self, path: JsonPath, checked: CheckedExpression, schema: Schema, *, is_whole: bool) -> None:
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
