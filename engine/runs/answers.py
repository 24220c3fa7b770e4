"""Check what a person answers to a question: the reason, and the arguments of a call as they edited them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from clients.errors import InvalidRequest
from clients.limits.text_limit import fitted
from clients.wording import did_you_mean
from engine.base.clock import utc_now
from engine.base.errors import InvalidInput, RecipientNotNamed, ValueNotAllowed
from engine.base.json_text import JsonObject
from engine.compiler.definition.allowed_values import RECIPIENTS, goes_to_sender, in_force, refused
from engine.documents.shapes import Fault, faults
from engine.mail.schedule import LATER
from engine.plugins.registry import step_type
from engine.plugins.step import Role, StepType, limits_of
from engine.record.storable import unstorable
from engine.record.types.approval import AskedCall
from engine.runs.call_texts import field_schemas, gaps

LONGEST_REASON = 4_000
"""Characters of a reason or comment."""
_MOST_GIVEN = 1_000_000_000
_CORRECT = "Correct it, or approve without it."


def require_reason(reason: str) -> None:
    """Raise InvalidInput for a reason that is too long, or that nothing can store."""
    for said in unstorable(reason):
        raise InvalidInput(f"The reason {said}", remedy="Write it again without that.", field="comment")
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(
            f"The reason has {len(reason):,} characters; at most {LONGEST_REASON:,} are allowed.",
            remedy="Make it shorter.",
            field="comment",
        )


def require_finished(call: AskedCall, arguments: JsonObject) -> None:
    """Raise InvalidInput if the texts of a call have gaps."""
    if found := gaps(call, arguments):
        raise InvalidInput(
            f"Not finished, with gaps to fill in: {', '.join(found)}.",
            remedy="Fill them in (`--edit`, `arguments`), or say that it may be sent with them "
            "(`--with-gaps`, `with_gaps`).",
            field="arguments",
        )


def require_amounts(proposed: Mapping[str, float], given: JsonObject) -> None:
    """Raise InvalidInput unless these are amounts that the question is about, whole where the proposed ones are."""
    for name, amount in given.items():
        if name not in proposed:
            remedy = did_you_mean(name, list(proposed)) or f"There are: {', '.join(proposed)}."
            raise InvalidInput(f"The question has no {name!r}.", remedy=remedy, field=name)
        kinds = int if isinstance(proposed[name], int) else int | float
        if isinstance(amount, bool) or not isinstance(amount, kinds) or not 0 <= amount <= _MOST_GIVEN:
            whole = "a whole number" if kinds is int else "a number"
            raise InvalidInput(
                f"{name!r} must be {whole} from 0 to {_MOST_GIVEN:,}, not {amount!r}.", remedy=_CORRECT, field=name
            )


def require_edit(call: AskedCall, arguments: JsonObject) -> None:
    """Raise InvalidInput unless edited arguments fit the plan, the step and its type; values in files can only stay."""
    if call.plan:
        raise InvalidInput(
            f"This call is part of the plan {call.plan}, and is only made as the plan has shown it.",
            remedy="Approve it as it is, or reject it and make a new plan.",
        )
    changed = {name for name, value in arguments.items() if name not in call.arguments or value != call.arguments[name]}
    for name in changed:
        for said in (*unstorable(name), *unstorable(arguments[name])):
            raise InvalidInput(f"{name!r} {said}", remedy=_CORRECT, field=name)
    kind = step_type(call.uses)
    _require_same_object(call, kind, changed)
    if goes_to_sender(call.allow, arguments):
        unnamed = RecipientNotNamed()
        raise InvalidInput(unnamed.message, remedy=unnamed.remedy, field="to")
    _require_allowed(in_force(call.allow, kind.fields.model_fields), {name: arguments[name] for name in changed})
    if kind.effect_of(arguments)[0] is not kind.effect_of(call.arguments)[0]:
        raise InvalidInput("An edit cannot change a read into a write, or the reverse.", remedy="Reject it instead.")
    _require_fields(kind, call.arguments, arguments)
    try:
        kind.waits_until(arguments, utc_now())
    except InvalidRequest as error:
        raise InvalidInput(error.message, remedy=error.remedy) from error
    _require_short(kind, {name: arguments[name] for name in changed})
    before = kind.problems(call.arguments, {})
    for name, message in kind.problems(arguments, {}):
        if (name, message) not in before:
            raise InvalidInput(f"{name}: {message}", remedy=_CORRECT, field=name)


def _require_allowed(allow: Mapping[str, Sequence[str]], changed: Mapping[str, Any]) -> None:
    for name, patterns in allow.items():
        text = refused(changed[name], patterns) if name in changed else None
        if text is not None:
            error = ValueNotAllowed(name, text, patterns)
            raise InvalidInput(error.message, remedy=error.remedy, field=name)


def _require_fields(kind: StepType, before: Mapping[str, Any], arguments: JsonObject) -> None:
    """Raise the first fault of a changed field; others may look wrong, as they name files in place of values."""
    try:
        kind.fields.model_validate(arguments)
    except ValidationError as error:
        for fault in faults(error, kind.fields, arguments):
            field = str(fault.path[0]) if fault.path else ""
            if not field or field not in before or arguments.get(field) != before[field]:
                raise InvalidInput(_told(fault), remedy=fault.remedy or _CORRECT, field=field) from error


def _require_short(kind: StepType, changed: Mapping[str, Any]) -> None:
    """Raise InvalidInput for a text that the service would take only in part."""
    for name, limit in limits_of(kind).items():
        for text in _texts(changed.get(name)):
            kept, _ = fitted(text, limit)
            if kept != text:
                raise InvalidInput(
                    f"{name!r} is too long: only {len(kept):,} of {len(text):,} characters would be sent.",
                    remedy="Make it shorter.",
                    field=name,
                )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(one)


def _require_same_object(call: AskedCall, kind: StepType, changed: Iterable[str]) -> None:
    """Raise InvalidInput for an edit that makes the call about something other than what the person was shown."""
    if type(kind).preview is StepType.preview:
        return  # the arguments say it all
    is_shown = call.preview is not None or bool(call.unreadable)
    schemas = field_schemas(call)
    for name in sorted(changed):
        if schemas.get(name, {}).get("role") == Role.CONTENT or (name in RECIPIENTS and not is_shown) or name == LATER:
            continue
        if is_shown or schemas.get(name, {}).get("role") == Role.DESTINATION:
            raise InvalidInput(
                f"{name!r} decides what this call is about, and what you were shown would no longer be what is done.",
                remedy="Edit only the texts, or reject the call and run the workflow with another value.",
                field=name,
            )


def _told(fault: Fault) -> str:
    return f"{'.'.join(map(str, fault.path))}: {fault.message}" if fault.path else fault.message
