"""An operation: a public method of an area with the right that it takes and its words, declared beside it.

Where the faces are plain, they are declared here, too: from the declaration and the signature of the method come its
route (`api/base/derived.py`) and its command (`commands/base/derived.py`). Nothing is registered:
`engine/rights_docs.py` finds the declarations in the classes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import wraps
from types import SimpleNamespace
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

from engine.base.errors import OrchestraError
from engine.people.access import Principal, Right, require

Area = TypeVar("Area")
Given = ParamSpec("Given")
Result = TypeVar("Result")
Act = Callable[Concatenate[Area, Principal, Given], Result]
Answer = Callable[[Any, Mapping[str, Any]], Any] | str

_KEPT = "declaration"
_NOTHING: Mapping[Any, Any] = {}


class Face(Struct, frozen=True):
    """How a parameter differs at the command line from what its name, its kind and its type say.

    By itself, one that is given by its place is an argument, and any other is an option.
    """

    is_hidden: bool = False
    """It is for callers in the program only, and no face has it."""
    option: str = ""
    """Its name, of an option: `--user`."""
    metavar: str = ""
    default: Any = inspect.Parameter.empty
    most: int | None = None
    """The largest number, where requests may ask for less at a time."""
    none: tuple[str, str] | None = None
    """A flag that stands for None, and its help, where something else is the default."""


class _Whose(Struct, frozen=True):
    pass


Demo = Annotated[bool, _Whose()]
"""A parameter that says whether the data of the demo are meant: `accounts=demo` in a request, `--demo` in a command."""


class Parameter(Struct, frozen=True):
    """A parameter as the faces offer it."""

    name: str
    type: Any
    meta: Meta
    """Its limits, and what it is."""
    default: Any
    """`inspect.Parameter.empty` where it has to be given."""
    is_placed: bool
    """It is given by its place, not by its name."""
    face: Face

    @property
    def is_required(self) -> bool:
        """Whether it has to be given."""
        return self.default is inspect.Parameter.empty


class Declaration(Struct, frozen=True):
    """What is said about an operation beside its signature and its docstring."""

    name: str
    """`things.verb`, such as `tables.save`; the line of a change in the audit trail says it, too."""
    right: Right | None
    """None: the method decides by what it finds, for example by whose session it would end."""
    what: str
    """Completes "may not …"; empty without a right."""
    title: str
    """What it does, in a few words: `Save a row`."""
    http: str = ""
    """The method and the path of its route, `PUT /api/tables/{table}/rows`; empty: it has none, or one by hand."""
    command: str = ""
    """`tables set`; empty: it has none, or one by hand."""
    answer: Answer = ""
    """Makes the document of the faces from what the method has returned and was given, or names its only member; empty:
    what the method returns is the document."""
    status: int = 200
    """Of the response."""
    is_secret: bool = False
    """Nothing between may keep the answer."""
    is_checked: bool = False
    """It checks a text, which takes long: requests wait for their turn."""
    raises: Mapping[type[OrchestraError], str] = _NOTHING
    """What it is refused with beside what every operation may be, and why."""


def operation(  # noqa: PLR0913 - the members of a declaration
    name: str,
    right: Right | None,
    what: str,
    title: str,
    http: str = "",
    command: str = "",
    *,
    answer: Answer = "",
    status: int = 200,
    is_secret: bool = False,
    is_checked: bool = False,
    raises: Mapping[type[OrchestraError], str] = _NOTHING,
) -> Callable[[Act[Area, Given, Result]], Act[Area, Given, Result]]:
    """Declare a method as an operation, and check the right of `p` before it: it then raises NotAllowed.

    The values are those of `Declaration`.
    """
    declared = Declaration(name, right, what, title, http, command, answer, status, is_secret, is_checked, raises)

    def declare(act: Act[Area, Given, Result]) -> Act[Area, Given, Result]:
        found = act if right is None else _checked(act, right, what)
        found.__dict__[_KEPT] = declared
        return found

    return declare


def _checked(act: Act[Area, Given, Result], right: Right, what: str) -> Act[Area, Given, Result]:
    @wraps(act)
    def checked(area: Area, p: Principal, /, *args: Given.args, **given: Given.kwargs) -> Result:
        require(p, right, what)
        return act(area, p, *args, **given)

    return checked


def declaration_of(act: Callable[..., Any]) -> Declaration:
    """Return the declaration of a method. Raises KeyError for one that is no operation."""
    found: Declaration = act.__dict__[_KEPT]
    return found


def declarations_of(area: type) -> dict[str, Declaration]:
    """Return the operations that a class itself declares, by the names of their methods and in their order."""
    return {name: one.__dict__[_KEPT] for name, one in vars(area).items() if callable(one) and _KEPT in one.__dict__}


class DeclaredOperation(Struct, frozen=True):
    """An operation as the faces read it: its declaration, its signature and its docstring."""

    declared: Declaration
    method: str
    """Its name."""
    text: str
    """What it does: the docstring up to what it raises."""
    parameters: list[Parameter]
    asks_whose: bool
    """It has a parameter `demo` of the type `Demo`."""
    act: Callable[..., Any]

    @property
    def help(self) -> str:
        """What it does, in a sentence."""
        return self.text.partition("\n\n")[0]

    def document(self, result: Any, given: Mapping[str, Any]) -> Any:
        """Return the document for what the method has returned and was given."""
        answer = self.declared.answer
        if isinstance(answer, str):
            return {answer: result} if answer else result
        return answer(result, given)

    def kind(self) -> Any:
        """Return the type of the document, or of its only member."""
        answer = self.declared.answer
        act = inspect.unwrap(self.act if isinstance(answer, str) else answer)
        return _types(act, {"return": act.__annotations__["return"]})["return"]


def operation_of(act: Callable[..., Any]) -> DeclaredOperation:
    """Return an operation as the faces read it. Raises KeyError for a method that is none."""
    declared = declaration_of(act)
    act = inspect.unwrap(act)
    given = dict(list(inspect.signature(act).parameters.items())[2:])
    types = _types(act, {name: one.annotation for name, one in given.items()})
    asks_whose = [name for name, kind in types.items() if _marked(kind, _Whose) is not None]
    found = [_parameter(one, types[name]) for name, one in given.items() if name not in asks_whose]
    text = re.split(r"\bRaises ", inspect.cleandoc(act.__doc__ or ""), maxsplit=1)[0].strip()
    offered = [one for one in found if not one.face.is_hidden]
    return DeclaredOperation(declared, act.__name__, text, offered, bool(asks_whose), act)


def _types(act: Any, annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Return what annotations stand for, of these alone: others may be imported for type checkers only."""
    return get_type_hints(SimpleNamespace(__annotations__=annotations), act.__globals__, {}, include_extras=True)


def _parameter(given: inspect.Parameter, kind: Any) -> Parameter:
    meta, face = _marked(kind, Meta) or Meta(), _marked(kind, Face) or Face()
    is_placed = given.kind is not inspect.Parameter.KEYWORD_ONLY
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return Parameter(given.name, plain, meta, given.default, is_placed, face)


Mark = TypeVar("Mark")


def _marked(kind: Any, mark: type[Mark]) -> Mark | None:
    marks = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next((one for one in marks if isinstance(one, mark)), None)
