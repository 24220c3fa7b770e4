"""What the compiler knows of the way of text from outside: the origins of the variables and outputs of one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from msgspec import Struct

from engine.compiler.analysis.conditions import Facts
from engine.expressions.cel_types import Schema
from engine.expressions.origins import (
    ITEM,
    NOTHING,
    Derived,
    Path,
    ValueOrigin,
    derived,
    literal,
    made_from,
    mixed,
)
from engine.expressions.syntax import SyntaxNode

_NO_TEXT = frozenset({"BOOL", "INT", "UINT", "DOUBLE", "NULL", "TIMESTAMP", "DURATION"})
"""CEL types of values in which there is no text of others."""
_MESSAGE = "a message of an error, which may quote anything"


class Sink(Struct, frozen=True):
    """A field that decides where something goes, or instructs a model, and takes text of inputs."""

    words: str
    """The place in words: "`steps.send.with.to`"."""
    roots: tuple[ValueOrigin, ...] = ()
    """The inputs."""
    is_recipient: bool = False
    """Whether it takes the recipients of a mail, so that a workflow may let it take the sender of another."""
    takes_files: bool = False
    """Whether it takes a file of the run, or the path of a file that was found in the workspace."""

    @property
    def inputs(self) -> frozenset[str]:
        """The names of the inputs; empty if it takes them as a whole."""
        names = [root.path[1:2] for root in self.roots]
        return frozenset(one for name in names for one in name) if all(names) else frozenset()


class OpenCall(Struct, frozen=True):
    """A call of a workflow that is being compiled itself, so that its sinks are not known yet."""

    workflow: str
    inputs: Derived


class TextPassage(Struct, frozen=True):
    """What callers must know of a workflow: what becomes of the text of its inputs."""

    outputs: Derived = NOTHING
    sinks: tuple[Sink, ...] = ()
    calls: tuple[OpenCall, ...] = ()

    def decided_by(self, inputs: Schema) -> tuple[tuple[str, frozenset[str]], ...]:
        """Return the fields that text of inputs decides, in words, each with the names of those inputs."""
        every = frozenset(inputs.get("properties", {}))
        return tuple((sink.words, sink.inputs or every) for sink in self.sinks)


class TextFlow:
    """The origins of the values of one file, as far as it is compiled."""

    def __init__(self, inputs: Schema) -> None:
        self._entries: dict[str, Derived] = {}
        """`steps.<id>` by id."""
        every = ValueOrigin(("steps",), is_outside=True, words="the outputs of all steps")
        self.variables: dict[str, Derived] = {
            "inputs": Derived((ValueOrigin(("inputs",), inputs, is_input=True),)),
            "run": NOTHING,
            "env": NOTHING,
            "steps": Derived((every,), self._entries),
        }
        """The keys are unique names in the file (engine/compiler/checks/scope.py)."""

    def value(self, kind: str, tree: SyntaxNode, facts: Facts) -> Derived:
        """Return the origins of an expression of a CEL type, at a place where the facts are certain."""
        if kind in _NO_TEXT:
            return NOTHING
        found = derived(tree, self.variables)
        return derived(tree, self.variables, facts.holds) if facts.holds and found.rank else found

    def bind(self, owner: str, name: str, value: Derived) -> None:
        """Set a variable of a step."""
        self.variables[f"{name}@{owner}"] = value

    def bind_error(self, owner: str) -> None:
        """Set the variable `error` of a fallback, or of `on_failure`."""
        self.bind(owner, "error", _error(("error",)))

    def output(self, step: str) -> Derived:
        """Return the output of a step that has been compiled."""
        return self._entries.get(step, NOTHING).field("output")

    def finish(self, step: str, output: Derived) -> None:
        """Set the output of a step, now that it is compiled."""
        path = ("steps", step)
        settled = output.settled((*path, "output"))
        fields = {"output": settled, "error": _error((*path, "error")), "status": NOTHING}
        self._entries[step] = Derived(made_from(mixed([*fields.values()]), path), fields, depth=1, is_settled=True)


def looped(step: str, inside: Mapping[str, Derived], key: Derived) -> Derived:
    """Return the output of a loop, given what each item has."""
    error = _error(("steps", step, "output", ITEM, "error"))
    return literal([literal({"key": key, "status": NOTHING, "error": error, **inside}).marked(is_current=False)])


def placed(value: Derived, path: Path, given: Derived, named: str) -> Derived:
    """Return an output of a called workflow as its caller sees it at a path, with the inputs that it is given."""
    if value.fields is not None:
        return literal({name: placed(one, (*path, name), given, named) for name, one in value.fields.items()})
    if value.items is not None:
        return literal([placed(value.items, (*path, ITEM), given, named)])
    found = [_placed_origin(one, path, given, named) for one in value.origins]
    return found[0] if len(found) == 1 else mixed(found)


def _placed_origin(one: ValueOrigin, path: Path, given: Derived, named: str) -> Derived:
    if not one.is_input:
        return Derived((replace(one, path=path, cause=replace(one, workflow=one.workflow or named), others=()),))
    if not one.roots and one.is_whole:
        return given.part(one.path[1:])
    return Derived(made_from(given_for(one.roots or (one,), given), path, one.schema))


def given_for(roots: Iterable[ValueOrigin], given: Derived) -> Derived:
    """Return what a call gives for these inputs."""
    return mixed([given.part(root.path[1:]) for root in roots])


def _error(path: Path) -> Derived:
    message = ValueOrigin((*path, "message"), is_outside=True, words=_MESSAGE)
    return Derived((message,), {"message": Derived((message,)), "type": NOTHING, "step": NOTHING}, depth=1)
