"""Commands from the declarations of operations (`engine/people/operation.py`).

What a person reads is written by hand: a function for each command, which gets what the method has returned.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec, TypeVar

import typer
from msgspec import Struct

from commands.base.failures import DONE
from commands.base.later_groups import Command
from commands.base.options import Demo, Json, Workspace
from commands.base.screen import document
from commands.base.session import looked_at, opened

if TYPE_CHECKING:
    from engine.people.access import Principal
    from engine.people.operation import DeclaredOperation, Parameter

Given = ParamSpec("Given")
Result = TypeVar("Result")


class CalledWith(Struct, frozen=True):
    """What a command was given."""

    values: Mapping[str, Any]
    zone: str
    """That of the workspace."""


class Area(Struct, frozen=True):
    """Where an area is found: its row in `Orchestra`, such as `users.api_tokens`."""

    at: str
    is_readable: bool = False
    """Its requests by GET need no workspace that can be written."""

    def command(
        self,
        act: Callable[Concatenate[Any, Principal, Given], Result],
        show: Callable[[Result, CalledWith], None],
    ) -> Command:
        """Return the command of an operation; `show` tells a person its result."""
        from engine.people.operation import operation_of

        operation = operation_of(act)

        def run(**given: Any) -> int:
            return self._run(operation, show, given)

        parameters = [*(one for each in operation.parameters for one in _of(each)), *_USUAL]
        run.__dict__["__signature__"] = inspect.Signature(parameters)
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        return operation.declared.command.rpartition(" ")[2], operation.help, run

    def _run(self, operation: DeclaredOperation, show: Callable[[Any, CalledWith], None], given: dict[str, Any]) -> int:
        workspace, demo, as_json = given.pop("workspace"), given.pop("demo"), given.pop("as_json")
        values = {each.name: _typed(each, given) for each in operation.parameters}
        only_looks = self.is_readable and operation.declared.http.startswith("GET ")
        with (looked_at if only_looks else opened)(workspace, demo=demo) as session:
            act = getattr(attrgetter(self.at)(session.orchestra), operation.method)
            found = act(session.principal, **values, **({"demo": demo} if operation.asks_whose else {}))
            zone = session.orchestra.config.time_zone
        document(operation.document(found, values)) if as_json else show(found, CalledWith(values, zone))
        return DONE


def by_hand(name: str, act: Callable[..., int]) -> Command:
    """Return a command that is a function for Typer as it stands."""
    return name, inspect.getdoc(act) or "", act


def _named(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


_NOTHING = inspect.Parameter.empty
_USUAL = (_named("demo", Demo, False), _named("workspace", Workspace, None), _named("as_json", Json, False))


def _of(each: Parameter) -> Iterator[inspect.Parameter]:
    """Yield the argument or option for a parameter, and the flag that stands for None."""
    face, kind, text = each.face, each.type, each.meta.description or ""
    if kind is Any:
        kind, text = str, f"{text.removesuffix('.')} as JSON; anything else is stored as text."
    if each.is_placed and not face.option:
        argument = typer.Argument(metavar=face.metavar or each.name.upper(), help=text)
        yield _named(each.name, Annotated[kind, argument], each.default)
        return
    name = face.option or f"--{each.name.removeprefix('is_').replace('_', '-')}"
    most = face.most or each.meta.le
    option = typer.Option(name, metavar=face.metavar or None, help=text, min=each.meta.ge, max=most)
    yield _named(each.name, Annotated[kind, option], each.default if face.default is _NOTHING else face.default)
    if face.none is not None:
        flag, what = face.none
        yield _named(f"no_{each.name}", Annotated[bool, typer.Option(flag, help=what)], False)


def _typed(each: Parameter, given: Mapping[str, Any]) -> Any:
    """Return the value of a parameter as the method takes it."""
    if each.face.none is not None and given[f"no_{each.name}"]:
        return None
    if each.type is not Any:
        return given[each.name]
    from engine.documents.json_file import typed_value_or_text

    return typed_value_or_text(given[each.name], f"The {each.name}", "Quote it for your shell: '{\"n\": 1}'.")
