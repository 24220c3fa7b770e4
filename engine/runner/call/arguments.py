"""What a call gets: its fields, evaluated, harmless, short enough; it is refused where text from outside decides."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec.structs import replace
from pydantic import ValidationError

from clients.errors import InvalidRequest
from clients.limits.text_limit import TextLimit, fitted, is_short
from clients.mail.addresses import recipients
from engine.base.errors import ExpressionError, OrchestraError, OutsideTextRefused, RecipientNotNamed, ValueNotAllowed
from engine.base.json_text import JsonObject
from engine.base.lazy_values import NotKnownYet, Unknown, complete, known_parts, unknown_paths
from engine.base.run_file import place_of
from engine.compiler.definition.allowed_values import goes_to_sender, in_force, is_allowed, refused
from engine.compiler.definition.links import EVERYWHERE
from engine.compiler.definition.plan import Action
from engine.connections.hosts import host_of
from engine.expressions.expressions import Expression, Template, render_field
from engine.outgoing.addresses import issue_at, mentioned_in, places_in
from engine.plugins.step import FITTED, Effect, Role, StepType, fields_schema, limits_of
from engine.record.values import in_thread_if_read
from engine.runner.effects.job import fields_of, plain_fields_of
from engine.runner.execution.emptied import without_empty
from engine.runner.execution.filling import worked_out
from engine.runner.execution.step_call import Check, Middleware, Next, Outcome, StepCall, Succeeded, failed
from engine.runner.tags.run_tags import RunTags
from engine.runner.tags.strict_fields import strict_names, strict_parts
from engine.runner.tags.tagging import Tagging, has_expressions
from engine.runner.tags.tags import Later, Outside, Tag, merged

if TYPE_CHECKING:
    from engine.runner.execution.recording import Recording
    from engine.runner.execution.run_context import RunContext


_SHORT = 4_000
"""Characters of a value that is rewritten at once; of more, the event loop would have to wait."""
_BACKTICKS = re.compile(r"`+")
_RECIPIENTS = ("to", "cc", "bcc")
REPLY = "reply_to_sender"
"""In the workflow's `allow`."""


class Arguments(Check):
    """Gives a call its arguments and its effect, which may depend on them (an HTTP method)."""

    def __init__(self, run: RunContext) -> None:
        self._recording, self._earlier = run.recording, run.earlier

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call with its arguments."""
        action = call.action
        rendered = await worked_out(render_field, "with", action.arguments, call.frame.names)
        if action.step_type.sees_edits:
            rendered = await self._with_edits(call, rendered)
        rendered, notes = without_empty(action.step_type, rendered)
        arguments, told = await self._recording.kept_fields(rendered)
        unknown = () if arguments is told else _unknown(action.step_type, arguments)
        try:
            make_fields: Callable[[], Any]
            if unknown:
                make_fields = partial(_not_known, unknown[0])
            elif arguments is told:
                make_fields = plain_fields_of(action.step_type, arguments)
            else:
                make_fields = await self._read(action.step_type, arguments)
        except (OrchestraError, ValidationError) as error:
            return failed(replace(call, arguments=arguments, told_arguments=told), error)
        effect, repeat = action.step_type.effect_of(arguments)
        return replace(
            call,
            arguments=arguments,
            told_arguments=told,
            make_fields=make_fields,
            unknown=unknown,
            effect=effect,
            repeat=repeat,
            notes=(*call.notes, *notes),
        )

    async def _with_edits(self, call: StepCall, rendered: JsonObject) -> JsonObject:
        """Add the calls that people edited; a write that a replay does not make again is as it was edited then."""
        edits = self._recording.edits
        then: JsonObject = {}
        if self._earlier is not None:
            then = await asyncio.to_thread(self._earlier.edits, call.node, call.frame)
        kept = {path: one for path, one in then.items() if path in edits.reused}
        edited = {**kept, **self._recording.values.live(edits.calls)}
        return {**rendered, "edited": edited} if edited else rendered

    async def _read(self, step_type: StepType, arguments: Mapping[str, Any]) -> Callable[[], Any]:
        """Check arguments with values in files, which are read for it."""
        read = {name: one for name, one in arguments.items() if name not in step_type.hands_on}
        return await in_thread_if_read(read, lambda: fields_of(step_type, arguments))


def _unknown(step_type: StepType, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths of what a plan does not know yet, except where the step does not look inside."""
    return tuple(unknown_paths({name: one for name, one in arguments.items() if name not in step_type.hands_on}))


def _not_known(path: str) -> Any:
    raise NotKnownYet(f"with.{path}")


async def with_arguments(call: StepCall, values: JsonObject, recording: Recording) -> StepCall:
    """Return a call with other values of its fields; in a plan, those that it does not know yet stay unknown.

    Raises InvalidInput for values that do not fit.
    """
    arguments, told = await recording.kept_fields(values)
    make_fields = call.make_fields
    if not call.unknown:
        make_fields = await in_thread_if_read(arguments, lambda: fields_of(call.action.step_type, arguments))
    return replace(call, arguments=arguments, told_arguments=told, make_fields=make_fields)


class HarmlessText(Check):
    """Rewrites the content of a write, as far as the compiler says that it may be text from outside (docs/trust.md).

    What is fixed in the workflow, and what its expressions take from clean values, stays as it is.
    """

    is_for_services = True

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether the step may write text from outside."""
        return bool(action.outside_fields) and action.step_type.may_write

    def __init__(self, run: RunContext) -> None:
        self._recording, self._config = run.recording, run.accounts.config
        self._least = 2 if run.facts.is_by_hand else 1
        """The least rank that counts as text from outside: inputs (1) do too, unless a person gave them."""

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call with harmless text."""
        if call.effect is not Effect.WRITES:
            return call
        return await self._rewritten(call)

    async def _rewritten(self, call: StepCall) -> StepCall:
        from engine.outgoing.harmless import Harmless  # with the readers of Markdown, which few runs need
        from engine.outgoing.hidden_characters import hidden_in

        given, kind = call.arguments, call.action.step_type
        assert given is not None
        trees = {name: call.action.arguments[name] for name in _content_fields(call)}
        authors = [text for tree in trees.values() for text in await self._texts_of_author(tree, call)]
        pages = [text for tree in trees.values() for text in await self._pages(tree, call)]
        named = self._named(call, [*authors, *pages])
        own = frozenset(sign for text in authors for sign in hidden_in(text))
        harmless = Harmless(lambda place: is_allowed(place, named))
        changed: dict[str, Any] = {}
        for name, tree in trees.items():
            markup = "" if EVERYWHERE in named else kind.markup_of(name, given)
            rewrite = partial(harmless.value, own=own, markup=markup)
            work = partial(self._filled, tree, given[name], rewrite)
            before, after = await _worked(given[name], work)
            if after != before:
                changed[name] = after
        if not changed:
            return call
        call = await with_arguments(call, {**given, **changed}, self._recording)
        return replace(call, notes=(*call.notes, harmless.note))

    async def _texts_of_author(self, tree: Any, call: StepCall) -> list[str]:
        """Return the fixed texts and the clean values beside text from outside."""
        texts: list[str] = []
        for template in self._strange(tree):
            for piece in template.pieces_below(self._least):
                if isinstance(piece, str):
                    texts.append(piece)
                else:
                    texts.append(await worked_out(_text, piece, call.frame.names))
        return texts

    async def _pages(self, tree: Any, call: StepCall) -> list[str]:
        """Return the addresses that services have given to their pages: a link to one leads to no stranger."""
        pieces = [piece for template in self._strange(tree) for piece in template.addresses_from(self._least)]
        found = [piece for piece in pieces if not isinstance(piece, str)]
        addresses = [await worked_out(_text, piece, call.frame.names) for piece in found]
        return [part for address in addresses for part in (_origin(address), issue_at(address))]

    def _strange(self, tree: Any) -> Iterator[Template]:
        if isinstance(tree, Template):
            yield from [tree] if tree.rank >= self._least else []
        elif isinstance(tree, dict | list):
            for inner in tree.values() if isinstance(tree, dict) else tree:
                yield from self._strange(inner)

    def _named(self, call: StepCall, texts: list[str]) -> frozenset[str]:
        """Return the places that the workflow names, as patterns."""
        places = {place for text in texts for place in places_in(text) | mentioned_in(text)}
        places |= {issue for text in texts if (issue := issue_at(text))}
        server = host_of(self._config(), call.action.connection)
        return frozenset({*call.action.links, *places, *([server] if server else ())})

    def _filled(self, tree: Any, value: Any, rewrite: Any) -> tuple[Any, Any]:
        """Return a field before and after, with all of it in memory."""
        before = known_parts(value)
        return before, self._part(tree, before, rewrite)

    def _part(self, tree: Any, value: Any, rewrite: Any) -> Any:
        if isinstance(tree, Template):
            return rewrite(value) if tree.rank >= self._least else value
        if isinstance(tree, dict):
            return {name: self._part(inner, value[name], rewrite) for name, inner in tree.items()}
        if isinstance(tree, list):
            return [self._part(inner, one, rewrite) for inner, one in zip(tree, value, strict=True)]
        return value


async def _worked(value: Any, work: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
    """Do work that reads a value several times, with slow parsers: on the event loop only if it is short."""
    return await (in_thread_if_read(value, work) if _is_quick(value) else asyncio.to_thread(work))


def _is_quick(value: Any) -> bool:
    room, ahead = _SHORT, [value]
    while ahead and room >= 0:
        one = ahead.pop()
        room -= len(one) if isinstance(one, str) else 1
        if isinstance(one, dict | list):
            ahead += one.values() if isinstance(one, dict) else one
    return room >= 0


def _content_fields(call: StepCall) -> list[str]:
    """Return the fields that hold content, and may hold text from outside."""
    known = fields_schema(call.action.step_type.fields).get("properties", {})
    given = call.arguments or {}
    fields = [name for name in call.action.outside_fields if name in given]
    return [name for name in fields if known.get(name, {}).get("role") == Role.CONTENT]


def _origin(address: str) -> str:
    """Return scheme and host of an address: the path after them may hold other people's words."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else ""


def _text(piece: Any, names: Any) -> str:
    """Return a clean value as text; nothing if it is not known yet, in a plan."""
    try:
        return str(complete(piece.value(names)))
    except ExpressionError:
        return ""


class FittingText(Middleware):
    """Shortens what a service would refuse (clients/limits/); a note and an output of the step say so."""

    is_for_services = True

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether the step may write what a service limits."""
        return action.step_type.may_write and bool(limits_of(action.step_type) or action.step_type.tells_fitted)

    def __init__(self, run: RunContext) -> None:
        self._recording = run.recording

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call with texts that fit."""
        limits = limits_of(call.action.step_type)
        if call.effect is not Effect.WRITES:
            return await call_next(call)
        said: list[str] = []
        limited = {name: one for name, one in (call.arguments or {}).items() if name in limits}
        if not await in_thread_if_read(limited, lambda: _are_short(known_parts(limited), limits)):
            call, said = await self._fitted(call, limits)
        outcome = await call_next(call)
        if not isinstance(outcome, Succeeded) or not isinstance(outcome.output, dict):
            return outcome
        told = outcome.output.get(FITTED)
        more = told if isinstance(told, list) else []  # a client knows limits that no field does
        kept = [one for one in said if one in outcome.call.notes]  # not of texts that a person has edited since
        return replace(outcome, output={**outcome.output, FITTED: list(dict.fromkeys([*kept, *more]))})

    async def _fitted(self, call: StepCall, limits: Mapping[str, TextLimit]) -> tuple[StepCall, list[str]]:
        given, kind = call.arguments or {}, call.action.step_type
        work = _Work(kind, known_parts({name: one for name, one in given.items() if name in kind.fields.model_fields}))
        said = await asyncio.to_thread(work.done, limits)
        if not said:
            return call, said
        call = await with_arguments(call, {**given, **work.changed}, self._recording)
        return replace(call, notes=(*call.notes, *said)), said


class _Work:
    """Makes the fields of one call fit."""

    def __init__(self, kind: StepType, values: Mapping[str, Any]) -> None:
        self._kind, self._values = kind, values
        self._said: list[str] = []
        self.changed: dict[str, Any] = {}

    def done(self, limits: Mapping[str, TextLimit]) -> list[str]:
        """Make all fields fit, those first whose text goes to another; return what was done, in sentences."""
        for name, limit in sorted(limits.items(), key=lambda one: not one[1].rest):
            value = self.changed.get(name, self._values.get(name))
            after = self._fitting(name, value, limit)
            if after != value:
                self.changed[name] = after
        return self._said

    def _fitting(self, place: str, value: Any, limit: TextLimit) -> Any:
        if isinstance(value, str):
            after, told = fitted(value, limit)
            rest = self._passed_on(value, limit) if after != value else ""
            self._said += [f"{place}: {told}{rest}."] if told else []
            return after
        if isinstance(value, dict) and place_of(value) is None:
            return {name: self._fitting(f"{place}.{name}", one, limit) for name, one in value.items()}
        if isinstance(value, list):
            return [self._fitting(f"{place}[{index}]", one, limit) for index, one in enumerate(value)]
        return value

    def _passed_on(self, text: str, limit: TextLimit) -> str:
        """Put the whole text before the one in the field that takes the rest."""
        if not limit.rest:
            return ""
        before = self.changed.get(limit.rest, self._values.get(limit.rest)) or ""
        known = before.text if isinstance(before, Unknown) else before
        quoted = _quoted(text) if self._kind.markup_of(limit.rest, self._values) == "markdown" else text
        joined = f"{quoted}\n\n{known}".rstrip()
        self.changed[limit.rest] = Unknown(joined) if isinstance(before, Unknown) else joined
        return f"; all of it is in `{limit.rest}`"


def _quoted(text: str) -> str:
    """Return a line as code, so that what did nothing in a title does nothing in Markdown either."""
    line = " ".join(text.split())
    # A code span ends at a run of equally many backticks; one space at both ends is dropped (CommonMark 6.1).
    marks = "`" * (max((len(run) for run in _BACKTICKS.findall(line)), default=0) + 1)
    blank = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{marks}{blank}{line}{blank}{marks}"


def _are_short(value: Any, limits: Mapping[str, TextLimit]) -> bool:
    return all(_is_short(one, limits[name]) for name, one in value.items())


def _is_short(value: Any, limit: TextLimit) -> bool:
    if isinstance(value, str):
        return is_short(value, limit)
    if isinstance(value, dict):
        return all(_is_short(one, limit) for one in value.values())
    return all(_is_short(one, limit) for one in value) if isinstance(value, list) else True


class AllowList(Check):
    """Refuses a call with a value that the step's `allow` does not list (ValueNotAllowed)."""

    is_for_services = True

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether the workflow lists values."""
        return bool(action.allow)

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call if each of its values is allowed."""
        await require_allowed(call.action, call.arguments or {})
        return call


async def require_allowed(action: Action, arguments: JsonObject) -> None:
    """Raise ValueNotAllowed, RecipientNotNamed for a value that the step's `allow` does not list."""
    if goes_to_sender(action.allow, arguments):
        raise RecipientNotNamed
    for name, patterns in in_force(action.allow, action.step_type.fields.model_fields).items():
        # What a plan does not know yet is checked when the plan is applied.
        if name in arguments and not list(unknown_paths(arguments[name])):
            value = arguments[name]
            text = refused(await in_thread_if_read(value, partial(complete, value)), patterns)
            if text is not None:
                raise ValueNotAllowed(name, text, patterns)


class OutsideTextCheck(Check):
    """Raises OutsideTextRefused for a call that text from outside decides.

    These are the rules of docs/trust.md, applied to the values of this call. A workflow that breaks them does not
    compile, so this error always means a mistake of the compiler.
    """

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._run, self._tags = run, RunTags(run)
        self._checked: dict[int, tuple[Action, list[str]]] = {}
        """The fields to check, by the id of the action; holding the action too keeps Python from reusing its id."""

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call, unless text from outside decides where it goes or instructs a model."""
        names = self._checked_fields(call)
        if names:
            with suppress(RecursionError):  # the compiler has followed expressions that are nested so deeply
                self._require(call, names)
        return call

    def _checked_fields(self, call: StepCall) -> list[str]:
        action = call.action
        if id(action) not in self._checked:
            names = [one for one in strict_names(action.step_type.fields) if _is_checked(action, one)]
            if names and self._tags.has_clean_inputs(call):
                names = [one for one in names if not _is_input(action.arguments[one])]
            self._checked[id(action)] = action, names
        return self._checked[id(action)][1]

    def _require(self, call: StepCall, names: Sequence[str]) -> None:
        assert call.arguments is not None
        tagging, prompts = self._tags.at(call).tagging, self._prompts(call)
        for name in names:
            value = call.arguments[name]
            tag = Later(partial(_tag, tagging, call.action.arguments[name], value))  # some fields have no such part
            for path, part, is_file in strict_parts(call.action.step_type.fields, name, value, tag, prompts):
                texts = ((text, outside) for _, text, outside in part.found() if not tagging.is_clean(text))
                rest = (one for text, one in texts if not self._is_reply(name, text, one))
                found = merged(one for one in rest if not (is_file and one.is_file))
                if found is not None:
                    raise OutsideTextRefused(f"steps.{call.node.id}.with.{path}", path.split(".")[0], found.way)

    def _prompts(self, call: StepCall) -> Mapping[str, Any]:
        known, name = self._run.facts.prompts, (call.arguments or {}).get("prompt")
        return {name: known[name]} if isinstance(name, str) and name in known else {}

    def _is_reply(self, name: str, text: Any, outside: Outside) -> bool:
        is_sender = name in _RECIPIENTS and self._may_reply and outside.is_sender and outside.is_current
        return is_sender and _is_one_address(name, text)

    @cached_property
    def _may_reply(self) -> bool:
        return REPLY in self._run.plan.document.get("allow", ())


def _is_one_address(field: str, sender: Any) -> bool:
    """Return whether the sender of a mail is one address, or none; each of several would get the answer."""
    with suppress(InvalidRequest):
        return isinstance(sender, str) and (not sender or len(recipients(field, [sender])) == 1)
    return False


def _tag(tagging: Tagging, tree: Any, value: Any) -> Tag:
    return tagging.tree(tree).valued(value)


def _is_input(tree: Any) -> bool:
    """Return whether a field is an input of the run as it is, or a part of one."""
    path = tree.pieces[0].path if isinstance(tree, Template) and isinstance(tree.pieces[0], Expression) else None
    return path is not None and len(tree.pieces) == 1 and path[0] == "inputs"


def _is_checked(action: Action, name: str) -> bool:
    """Return whether a field is more than constants, and neither are its values listed nor does a person see it."""
    if name in action.allow or not has_expressions(action.arguments.get(name)):
        return False
    when = action.approval.own.when
    return when != "always" and not (when == "when_outside" and name in action.outside_fields)
