"""Check the `rules` of a step that asks a model about a mail, and find that mail among the names of the step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from clients.wording import did_you_mean, listed
from engine.base.json_text import JsonObject, JsonSchema, compact
from engine.base.services import is_model
from engine.compiler.checks.report import BROKEN, Report, StepNames
from engine.compiler.definition.plan import PlannedRules
from engine.compiler.definition.step_model import RuleModel, StepModel
from engine.documents.json_file import JsonPath
from engine.documents.schema_check import placed_misfits
from engine.expressions.cel_types import Schema, plain, within
from engine.mail.rules import CONDITIONS, LOOKED_AT, MailRule, condition_fault, plain_text
from engine.plugins.step import StepType

if TYPE_CHECKING:
    from engine.compiler.checks.scope import Scope

RULES = "rules"
_LIKE = 'Write it like {"from": "news@example.org", "answer": {"kind": "other"}}.'
NO_MAIL = (
    "This step is not about a mail, so it cannot have rules.",
    RULES,
    "Put it into a loop over mails, such as steps.mails.output.messages, or after a step that reads one mail.",
)
"""The message, the code and the remedy."""
_EMPTY: tuple[Any, ...] = (None, "", [], {})


def check_rules(
    path: JsonPath, step: StepModel, kind: StepType, schema: Schema, scope: Scope, seen: AbstractSet[str]
) -> PlannedRules | None:
    """Return the rules of a step, None without any; problems go to the report. `schema`: of the step's output."""
    if not step.rules:
        return None
    report, place = scope.report, (*path, RULES)
    if not is_model(kind.service) or not choices_of(schema):
        message = "Rules need a step whose model chooses among fixed answers."
        report.add(place, message, RULES, "Remove them, or move them to the step that sorts the mail.")
        return None
    mail = mail_among(scope.names(seen))
    if not mail:
        report.add(place, *NO_MAIL)
        return None
    found = tuple(_rule((*place, index), one, schema, report) for index, one in enumerate(step.rules))
    _warn_of_repeated(place, found, report)
    template = scope.template(place, f"{{{{ {mail} }}}}", {"type": "object"}, seen)
    return None if template is BROKEN else PlannedRules(template, found)


def mail_among(names: StepNames) -> str:
    """Return the mail that a step works on: the item of the innermost loop over mails, else the last step that reads
    one; "" if there is none.
    """
    items = [name for name, schema in names.variables.items() if _is_mail(schema)]
    steps = [f"steps.{name}.output" for name, schema in names.steps.items() if _is_mail(schema)]
    return [*steps, *items][-1] if steps or items else ""


def choice_fields(schema: Schema) -> dict[str, Schema]:
    """Return the schemas of the fields of an answer with fixed choices, enums and booleans, by name."""
    fields = {name: plain(one, schema)[0] for name, one in _properties(schema).items()}
    return {
        name: one for name, one in fields.items() if isinstance(one.get("enum"), list) or one.get("type") == "boolean"
    }


def choices_of(schema: Schema) -> dict[str, list[Any]]:
    """Return the fields of an answer with fixed choices, each with its choices."""
    return {name: list(one.get("enum", [True, False])) for name, one in choice_fields(schema).items()}


def whole_answer(answer: JsonObject, schema: Schema) -> JsonObject:
    """Return an answer with an empty value for each further field that it must have and that may be empty."""
    required = [name for name in schema.get("required", []) if name not in answer]
    empty = {name: _empty_of(within(schema, _properties(schema).get(name))) for name in required}
    return {**answer, **{name: values[0] for name, values in empty.items() if values}}


def rule_faults(rule: RuleModel, schema: Schema) -> Iterator[tuple[JsonPath, str, str]]:
    """Yield (path in the rule, message, remedy) for what is wrong with a rule."""
    when = conditions_of(rule)
    if not when:
        yield (), "This rule has no condition: it would match every mail.", f"Give one of {listed([*CONDITIONS])}."
    for name, text in when.items():
        if fault := condition_fault(name, text):
            yield (name,), *fault
    known = [*_properties(schema)]
    for name in rule.answer:
        if known and name not in known:
            remedy = did_you_mean(name, known) or f"There are {listed(known)}."
            yield ("answer", name), f"The answer has no field {name!r}.", remedy
    if all(name in known for name in rule.answer) or not known:
        yield from _misfits(rule.answer, schema)


def conditions_of(rule: RuleModel) -> dict[str, str]:
    """Return the conditions of a rule by name."""
    given = {name: getattr(rule, {"from": "from_", "list": "list_"}.get(name, name)) for name in CONDITIONS}
    return {name: text for name, text in given.items() if text is not None}


def _rule(path: JsonPath, rule: RuleModel, schema: Schema, report: Report) -> MailRule:
    for place, message, remedy in rule_faults(rule, schema):
        report.add((*path, *place), message, RULES, remedy or _LIKE)
    return MailRule(conditions_of(rule), rule.answer, rule.note, whole_answer(rule.answer, schema))


def _misfits(answer: JsonObject, schema: Schema) -> Iterator[tuple[JsonPath, str, str]]:
    whole, choices = whole_answer(answer, schema), choices_of(schema)
    for name in schema.get("required", []):
        if name not in whole:
            said = f"It is one of {listed([compact(one) for one in choices[name]])}." if name in choices else ""
            yield ("answer",), f"The answer needs the field {name!r}, too.", said or "Give it a value."
    for name, value in answer.items():
        if "{{" in compact(value):
            yield ("answer", name), f"{name!r} cannot be an expression.", "Write the value itself: a rule is fixed."
            continue
        one = within(schema, _properties(schema).get(name))
        for misfit in placed_misfits(value, one, 1):
            if name in choices:
                said = listed([compact(each) for each in choices[name]])
                yield ("answer", name), f"{name!r} cannot be {compact(value)[:200]}.", f"It is one of {said}."
            else:
                yield ("answer", name), f"{name!r} cannot be {compact(value)[:200]}: {misfit}", ""


def _warn_of_repeated(path: JsonPath, rules: tuple[MailRule, ...], report: Report) -> None:
    known: dict[str, int] = {}
    for index, one in enumerate(rules):
        said = compact({name: plain_text(text) for name, text in one.when.items()})
        if said in known:
            message = f"This rule never answers: rule {known[said] + 1} has the same conditions."
            report.warn((*path, index), message, RULES, "Remove one of the two.")
        known.setdefault(said, index)


def _is_mail(schema: Schema) -> bool:
    inner, _ = plain(schema, schema)
    return _properties(inner).keys() >= LOOKED_AT


def _properties(schema: Schema) -> Mapping[str, Any]:
    found = schema.get("properties") if isinstance(schema, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _empty_of(schema: JsonSchema) -> list[Any]:
    """Return the empty values that fit a schema."""
    return [one for one in _EMPTY if not any(placed_misfits(one, schema, 1))]
