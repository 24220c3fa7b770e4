"""Check that text from outside decides no destination and instructs no model.

Text from outside is followed from the outputs of steps and the items of triggers to the fields of steps
(engine/compiler/analysis/text_flow.py). A field with the role `destination` or `instruction` must not take it, unless
the workflow lists what is allowed, or a person approves the step. Text of an input is from whoever starts the workflow:
a person may decide where things go, a trigger that takes the input from an item may not, nor a workflow that calls this
one with such text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from msgspec import Struct, field, structs

from clients.service import OTHER_LINK
from engine.base.errors import OrchestraError
from engine.base.run_file import FORMAT as RUN_FILE
from engine.base.services import service_of
from engine.base.step_tree import CALL
from engine.compiler.analysis.text_flow import OpenCall, Sink, TextPassage, looped, placed
from engine.compiler.checks.called_workflows import CalledWorkflow, Callees, name_of
from engine.compiler.checks.endings import STOP
from engine.compiler.checks.report import Report
from engine.compiler.checks.step_facts import handed_on
from engine.compiler.definition.allowed_values import RECIPIENTS
from engine.compiler.definition.model import WorkflowModel
from engine.compiler.definition.plan import Action, OutsideText
from engine.compiler.definition.step_model import FallbackModel, StepModel
from engine.documents.json_file import JsonPath
from engine.expressions.cel_types import ANYTHING, Schema, chosen, resolved, within
from engine.expressions.origins import (
    ITEM,
    MOST_KEPT,
    NOTHING,
    Derived,
    ValueOrigin,
    joined,
    literal,
    made_from,
    mixed,
    source,
)
from engine.expressions.templates import parts, tokens
from engine.plugins.registry import link_word, step_type
from engine.plugins.step import Prompts, Role, StepType, fields_schema, takes_files
from engine.plugins.trigger import TriggerType

OUTSIDE = "outside_destination"
"""The code of a field that takes text from outside and must not."""
ALLOWED = "outside_allowed"
"""The code of such a field if the workflow allows it."""
_STRICT = (Role.DESTINATION, Role.INSTRUCTION)
_SPEAKS_FOR_US = ("system", "developer")
_ASKED = ("always", "when_outside")
"""The values of `approve` with which a person sees the step before it is done."""
_DEEPEST = 12  # a schema may contain itself
_MOST_TOLD = 5
_REMEDY = (
    'Choose one: list what is allowed on the step ("allow": {{"{field}": ["*@example.org"]}}), let a model choose '
    'among fixed values (an "enum" in its output schema), or let a person approve the step ("approve": "always").'
)


_REPLY = ' To answer the sender of each mail, write "allow": ["reply_to_sender"] in the workflow.'
_REPLY_REMEDY = "Whoever writes a mail gets this one. Take it out of the workflow's 'allow' if that is not meant."


class OutsideCheck(Struct):
    """Follows text from outside through one file; problems go to the report."""

    report: Report
    callees: Callees
    own: str
    """The name of the workflow."""
    may_reply: bool = False
    """Whether the workflow allows to send to the sender of the mail that is being worked on."""
    sinks: list[tuple[JsonPath, Sink]] = field(default_factory=list)
    """The fields of this file that must not take text from outside, and take text of inputs."""
    calls: list[tuple[JsonPath, OpenCall]] = field(default_factory=list)
    breaches: list[tuple[str, ...]] = field(default_factory=list)
    """The steps on the way of each text that arrives where it must not, from its source on."""

    def fields(self, path: JsonPath, step: StepModel, kind: StepType, prompts: Prompts) -> dict[str, OutsideText]:
        """Check the fields of a step; return those that may carry text from outside."""
        flow = self.report.flow
        if flow is None or (kind.service is None and step.uses != CALL):
            return {}
        schema = fields_schema(kind.fields)
        found = {}
        for name, value in step.with_.items():
            place = (*path, "with", name)
            derived = self.report.value_derived(place, value)
            if derived.rank and not self.report.has_errors_at(place):
                found[name] = _outside_text(derived, flow.variables)
                self._check(place, step, value, within(schema, schema.get("properties", {}).get(name)), prompts)
        return found

    def _check(self, place: JsonPath, step: StepModel, value: Any, schema: Schema, prompts: Prompts) -> None:
        if is_approved(step) or str(place[-1]) in step.allow:
            return
        for where, derived, is_for_files in self._strict(place, value, schema, prompts):
            named = ".".join(map(str, ("steps", step.id, *where[len(place) - 2 :])))
            is_recipient = place[-1] in RECIPIENTS
            may_be_file = is_for_files or takes_files(schema)
            self._take(where, Sink(f"`{named}`", is_recipient=is_recipient, takes_files=may_be_file), derived)

    def _strict(
        self, path: JsonPath, value: Any, schema: Schema, prompts: Prompts, role: str = ""
    ) -> Iterator[tuple[JsonPath, Derived, bool]]:
        """Yield the parts of a field that must not take text from outside: (path, value, whether it takes files)."""
        schema = resolved(schema)
        schema = chosen(schema, value) or schema
        role = schema.get("role", role)
        if path[-1] == "variables" and prompts:
            yield from self._instructing(path, value, prompts)
        elif isinstance(value, list) and "items" in schema:
            for index, one in enumerate(value):
                yield from self._strict((*path, index), one, within(schema, schema["items"]), prompts, role)
        elif isinstance(value, dict) and "properties" in schema:
            for name, one in value.items():
                inner = within(schema, schema["properties"].get(name))
                yield from self._strict((*path, name), one, inner, prompts, role)
        else:
            for derived, is_for_files in _strict_in(schema, self.report.value_derived(path, value), role):
                yield path, derived, is_for_files

    def _instructing(self, path: JsonPath, value: Any, prompts: Prompts) -> Iterator[tuple[JsonPath, Derived, bool]]:
        """Yield the variables of a prompt that are part of an instruction."""
        whole = self.report.value_derived(path, value)
        for name in _instructing_names(prompts):
            yield (*path, name) if isinstance(value, dict) else path, whole.field(name), False

    def _take(self, path: JsonPath, sink: Sink, derived: Derived) -> None:
        """Report a value from outside in a field that must not take it; keep one that depends on inputs."""
        derived = derived.without_files() if sink.takes_files else derived
        outside = derived.outside
        if outside is not None:
            field_name = str(path[path.index("with") + 1]) if "with" in path[:-1] else "to"
            is_reply = sink.is_recipient and derived.is_sender
            if self.may_reply and is_reply:
                message = f"Allowed by 'reply_to_sender': {sink.words} comes from {ways(derived.every_outside)}."
                self.report.warn(path, message, ALLOWED, _REPLY_REMEDY)
                return
            message = f"Text from outside must not decide this: {sink.words} comes from {ways(derived.every_outside)}."
            remedy = _REMEDY.format(field=field_name) + _REPLY * is_reply
            self.report.add(path, message, OUTSIDE, remedy)
            self.breaches.append((*_steps_on_the_way(outside), self.report.problems[-1].step or ""))
        elif derived.inputs:
            self.sinks.append((path, structs.replace(sink, roots=derived.inputs)))

    def call(self, path: JsonPath, step: StepModel, called: CalledWorkflow) -> None:
        """Check what a step gives to the workflow that it calls."""
        given = self.report.value_derived((*path, "with", "inputs"), step.with_.get("inputs"))
        named = f" of the workflow {name_of(step.with_)!r}"
        if called.passage is None:
            self.calls.append((path, OpenCall(name_of(step.with_) or "", given)))
            return
        for sink in called.passage.sinks:
            self._give(path, structs.replace(sink, words=sink.words + named * ("workflow" not in sink.words)), given)
        for one in called.passage.calls:
            self.calls.append((path, OpenCall(one.workflow, placed(one.inputs, ("inputs",), given, named))))

    def _give(self, path: JsonPath, sink: Sink, given: Derived) -> None:
        inputs = (*path, "with", "inputs")
        for root in sink.roots:
            is_named = inputs not in self.report.wholes and root.path[1:2]
            self._take((*inputs, root.path[1]) if is_named else inputs, sink, given.part(root.path[1:]))

    def begin_loop(self, path: JsonPath, step: StepModel) -> None:
        """Begin with a loop: its item comes from its list."""
        if self.report.flow is not None:
            items = self.report.value_derived((*path, "foreach"), step.foreach)
            self.report.flow.bind(step.id, step.as_, items.item().marked(is_current=True))
            self.report.flow.bind(step.id, "index", NOTHING)

    def begin_items(self, path: JsonPath, step: StepModel) -> None:
        """Begin with what is inside a loop, where its key is known."""
        if self.report.flow is not None:
            self.report.flow.bind(step.id, "key", self.report.value_derived((*path, "key"), step.key))

    def begin_fallback(self, owner: str) -> None:
        """Begin with the steps of a fallback, or of `on_failure`."""
        if self.report.flow is not None:
            self.report.flow.bind_error(owner)

    def finish(self, path: JsonPath, step: StepModel, action: Action | None) -> None:
        """Keep where the output of a compiled step comes from."""
        flow = self.report.flow
        if flow is None:
            return
        once = self._once(path, step, action)
        if step.foreach is not None:
            inside = {one.id: flow.output(one.id) for one in step.steps or ()} or {step.id: once}
            more = {"output": once} if step.output is not None else {}
            once = looped(step.id, {**inside, **more}, self.report.value_derived((*path, "key"), step.key))
        if isinstance(step.on_error, FallbackModel):
            once = joined([once, flow.output(step.on_error.steps[-1].id)])
        flow.finish(step.id, once)

    def _once(self, path: JsonPath, step: StepModel, action: Action | None) -> Derived:
        """Return where the output of one pass comes from."""
        flow = self.report.flow
        written = handed_on(step, path)
        if written is not None:
            return self.report.value_derived(*written)
        if step.steps is not None and flow is not None:
            return literal({one.id: flow.output(one.id) for one in step.steps})
        if action is None or self.report.has_errors_at((*path, "with")):
            return NOTHING  # what follows from a mistake is not reported
        return self._of_call(path, step, action)

    def _of_call(self, path: JsonPath, step: StepModel, action: Action) -> Derived:
        own, schema = ("steps", step.id, "output"), action.output_schema or ANYTHING
        if step.uses == CALL:
            return self._of_workflow(path, step, own)
        if action.step_type.is_derived(step.with_):
            return Derived(made_from(self._given(path, step), own, schema))
        of = action.connection or str(action.step_type.service)
        return source(own, schema, is_outside=not schema, words=_thing(action.uses), of=of)

    def _given(self, path: JsonPath, step: StepModel) -> Derived:
        return mixed([self.report.value_derived((*path, "with", name), one) for name, one in step.with_.items()])

    def _of_workflow(self, path: JsonPath, step: StepModel, own: tuple[str, ...]) -> Derived:
        name = name_of(step.with_)
        known = None if name is None else self.callees.passage(name)
        if known is None:
            return source(own, is_outside=True, words=f"the workflow {name!r}")
        given = self.report.value_derived((*path, "with", "inputs"), step.with_.get("inputs"))
        return placed(known.outputs, own, given, str(name))

    def begin_trigger(self, name: str, kind: TriggerType, schema: Schema) -> None:
        """Begin with the inputs of a trigger, in which `item` is what it has found."""
        if self.report.flow is not None:
            thing = service_of(kind.service)
            words = thing.link.lower() if thing is not None and thing.link != OTHER_LINK else "item"
            item = source(("triggers", name, "item"), schema, words=words)
            self.report.flow.variables["item"] = item.marked(is_current=True)

    def trigger(self, path: JsonPath, inputs: Mapping[str, Any]) -> frozenset[str]:
        """Check the inputs that a trigger gives; return those that may carry text from outside."""
        given = self.report.value_derived(path, inputs)
        for where, sink in list(self.sinks):  # a copy, because `_take` may append to it
            for root in sink.roots:
                found = given.part(root.path[1:])
                found = found.without_files() if sink.takes_files and root.is_exact else found
                if found.outside is not None:
                    is_reply = found.is_sender and root.is_exact
                    of = found.outside.schema if is_reply else ANYTHING
                    through = replace(root, is_input=False, is_outside=True, is_current=is_reply, schema=of)
                    self._take(where, sink, Derived((replace(through, cause=found.outside),)))
        return frozenset(name for name, one in (given.fields or {}).items() if one.outside is not None)

    def passage(self, model: WorkflowModel) -> TextPassage:
        """Return what callers must know of the file, once it is compiled."""
        self._resolve_own_calls()
        outputs = [self.report.value_derived(("outputs",), model.outputs)]
        for node in model.nodes():
            if node.step.uses == STOP and not node.is_after_failure:  # a run that stops early has these outputs instead
                path = (*node.place, "with", "outputs")
                outputs.append(self.report.value_derived(path, node.step.with_.get("outputs", {})))
        sinks = tuple(sink for _, sink in self.sinks)
        calls = tuple(one for _, one in self.calls if one.workflow != self.own)
        return TextPassage(joined(outputs).settled(("outputs",)), sinks, calls)

    def _resolve_own_calls(self) -> None:
        """Check calls of the workflow by itself, which give more values to its inputs."""
        own = [(path, one) for path, one in self.calls if one.workflow == self.own]
        seen = {_key(sink) for _, sink in self.sinks}
        ahead = [sink for _, sink in self.sinks] if own else []
        while ahead:
            sink = ahead.pop()
            known = len(self.sinks)
            for path, call in own:
                self._give(path, sink, call.inputs)
            new, self.sinks[known:] = self.sinks[known:], []
            for place, one in new:
                if _key(one) not in seen:
                    seen.add(_key(one))
                    self.sinks.append((place, one))
                    ahead.append(one)


def takes_text(model: WorkflowModel) -> bool:
    """Return whether a step may take text anywhere: it calls a service, or a workflow."""
    return any(node.step.uses is not None and _goes_out(node.step.uses) for node in model.nodes())


def _goes_out(uses: str) -> bool:
    try:
        return uses == CALL or step_type(uses).service is not None
    except OrchestraError:
        return False


def is_approved(step: StepModel) -> bool:
    """Return whether a person sees a step's text from outside before the step is done."""
    return step.approve is not None and step.approve.when in _ASKED


def ways(origins: Sequence[ValueOrigin]) -> str:
    """Return where a text comes from, in words, back to all its sources."""
    found = list(dict.fromkeys(map(_way, origins)))
    return "; ".join([*found[:_MOST_TOLD], *["others"] * (len(found) > _MOST_TOLD)])


def _way(origin: ValueOrigin) -> str:
    """Return the way of a text: the steps back to its first source, and there all its sources."""
    chain: list[str] = []
    last: ValueOrigin = origin
    step: ValueOrigin | None = origin
    while step is not None:
        last = step
        shown = _shown(step)
        if not chain or chain[-1] != shown:
            chain.append(shown)
        step = step.cause
    found = list(dict.fromkeys(_source(one) for one in _chain(origin, set()) if one.cause is None))
    chain[-1] = _listed(found) if len(found) > 1 else _source(last)
    if len(chain) > _MOST_TOLD:
        chain = [*chain[: _MOST_TOLD - 1], f"(after {len(chain) - _MOST_TOLD} more steps) {chain[-1]}"]
    return reduce(lambda shown, source: f"{shown}, which comes from {source}", chain)


def _chain(origin: ValueOrigin, seen: set[tuple[str, tuple[str, ...]]]) -> Iterator[ValueOrigin]:
    """Yield a value, and all that it comes from."""
    if (origin.workflow, origin.path) in seen:
        return
    seen.add((origin.workflow, origin.path))
    yield origin
    for one in () if origin.cause is None else (origin.cause, *origin.others):
        yield from _chain(one, seen)


def _listed(words: Sequence[str]) -> str:
    told = [*words[:_MOST_TOLD], "others"] if len(words) > _MOST_TOLD else words
    return f"{', '.join(told[:-1])} and {told[-1]}"


def _steps_on_the_way(origin: ValueOrigin) -> list[str]:
    found: list[str] = []
    one: ValueOrigin | None = origin
    while one is not None:
        if one.path[0] == "steps" and len(one.path) > 1 and not one.workflow and one.path[1] not in found[-1:]:
            found.append(one.path[1])
        one = one.cause
    return found[::-1]


def _outside_text(derived: Derived, variables: Mapping[str, Derived]) -> OutsideText:
    found = derived.every_outside
    if found:
        thing, of, through = _one_thing(found, variables)
        return OutsideText(ways(found), sources=derived.sources, thing=thing, of=of, through=through)
    names = frozenset(root.path[1] for root in derived.inputs if len(root.path) > 1)
    return OutsideText(ways(derived.inputs), names, derived.sources)


def _one_thing(origins: Sequence[ValueOrigin], variables: Mapping[str, Derived]) -> tuple[str, str, tuple[str, ...]]:
    """Return what some texts all come from: in one word, as the step sees the object, and the steps in between.

    In doubt, it is empty: of many sources, only the first are known.
    """
    seen: set[tuple[str, tuple[str, ...]]] = set()
    chain = [one for origin in origins for one in _chain(origin, seen)]
    if len(origins) >= MOST_KEPT or any(len(one.others) >= MOST_KEPT - 1 for one in chain):
        return "", "", ()
    ends = [one for one in chain if one.cause is None]
    things = {one.words for one in ends}
    objects = {_object_of(one, variables) for one in ends}
    thing = things.pop() if len(things) == 1 else ""
    through = tuple(dict.fromkeys(one.path[1] for one in chain if one.cause is not None and one.path[0] == "steps"))
    return thing, objects.pop() if thing and len(objects) == 1 else "", through


def _object_of(end: ValueOrigin, variables: Mapping[str, Derived]) -> str:
    """Return how a step sees the object that a source is a part of: a variable, a step; empty if it does not."""
    if end.workflow or end.path[0] != "steps":
        return ""
    if ITEM not in end.path:
        return ".".join(end.path[:2])
    for name, value in variables.items():
        whole = value.origins[0] if len(value.origins) == 1 and value.fields is None else None
        if end.is_current and whole is not None and whole.is_current and whole.path == end.path[: len(whole.path)]:
            return name.partition("@")[0]
    return ""


def _shown(one: ValueOrigin) -> str:
    return f"`{'.'.join(part for part in one.path if part != ITEM)}`"


def _source(one: ValueOrigin) -> str:
    title = "" if "properties" in one.schema else str(one.schema.get("title", "")).lower().removeprefix("its ")
    named = f" in the workflow {one.workflow!r}" if one.workflow else ""
    if title and one.words:
        return f"the {title} of the {one.words} ({_shown(one)}){named}"
    return (f"{_shown(one)} ({one.words})" if one.words else _shown(one)) + named


def _thing(uses: str) -> str:
    word = link_word(uses)
    return f"answer of {uses}" if word == OTHER_LINK else word.lower()


def _key(sink: Sink) -> tuple[str, tuple[str, ...]]:
    return sink.words, tuple(".".join(root.path[:3]) for root in sink.roots)


def _strict_in(schema: Schema, derived: Derived, role: str, depth: int = 0) -> Iterator[tuple[Derived, bool]]:
    """Yield the parts of a computed value that must not take text from outside: (part, whether it takes files)."""
    schema = resolved(schema)
    role = schema.get("role", role)
    if role in _STRICT:
        yield derived, takes_files(schema)
    elif "items" in schema and depth < _DEEPEST:
        yield from _strict_in(within(schema, schema["items"]), derived.item(), role, depth + 1)
    elif "properties" in schema and depth < _DEEPEST:
        for name, one in schema["properties"].items():
            yield from _strict_in(within(schema, one), derived.field(name), role, depth + 1)
    elif _has_strict_parts(schema):
        yield derived, _may_be_file(schema)


def _may_be_file(schema: Schema) -> bool:
    """Return whether a value may be a file as it is: what is in a file decides nothing."""
    options = schema.get("oneOf") or schema.get("anyOf") or ()
    return any(resolved(within(schema, one)).get("format") == RUN_FILE for one in options)


def _has_strict_parts(schema: Schema, depth: int = 0) -> bool:
    """Return whether a part of a value must not take text from outside."""
    if depth > _DEEPEST:
        return True  # in doubt, it is refused
    parts_of = [*schema.get("properties", {}).values(), *schema.get("oneOf", ()), *schema.get("anyOf", ())]
    inner = [resolved(within(schema, one)) for one in (*parts_of, schema.get("items")) if one is not None]
    return any(one.get("role") in _STRICT or _has_strict_parts(one, depth + 1) for one in inner)


def _instructing_names(prompts: Prompts) -> Iterator[str]:
    """Yield the variables that are used in the instructions of prompts."""
    for prompt in prompts.values():
        texts = [_text(one.get("content")) for one in prompt.get("messages", ()) if one.get("role") in _SPEAKS_FOR_US]
        used = {
            token.text for text in texts for part in parts(text) if part.is_expression for token in tokens(part.text)
        }
        yield from (name for name in prompt.get("variables", {}) if name in used)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(map(str, content or ()))
