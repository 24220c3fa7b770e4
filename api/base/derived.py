"""Routes from the declarations of operations (`engine/people/operation.py`)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, create_model

from api.base.accounts import Accounts, is_demo
from api.base.documents import Refusal, RequestBody
from api.base.errors import RewordedResponse, status_for
from api.base.kept_names import known_as
from api.base.models import model_for
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.people.operation import DeclaredOperation, Parameter, declarations_of, operation_of

_IN_PATH = re.compile(r"\{(\w+)\}")
_CONSTRAINTS = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length", "examples", "description")
"""What `msgspec.Meta` and pydantic's `Field` both know."""
_WITH_BODY = ("POST", "PUT", "PATCH")


def router_of(area: type, at: str, tag: str, *, says_remedies: bool = False) -> APIRouter:
    """Return the routes of an area; `at`: its row in `Orchestra`, such as `users.api_tokens`.

    `says_remedies`: its answers have remedies that name commands.
    """
    response_class = RewordedResponse if says_remedies else JSONResponse
    router = APIRouter(tags=[tag], route_class=SignedInRoute, default_response_class=response_class)
    for method, declared in declarations_of(area).items():
        if declared.http:
            verb, _, path = declared.http.partition(" ")
            operation = operation_of(vars(area)[method])
            router.add_api_route(
                path,
                _endpoint(operation, attrgetter(at)),
                methods=[verb],
                summary=declared.title,
                description=operation.text,
                response_model=None if declared.status == 204 else _answer_model(operation),
                status_code=declared.status,
                responses=_refusals(operation),
                dependencies=[CHECKED] if declared.is_checked else None,
            )
    return router


def _refusals(operation: DeclaredOperation) -> dict[int | str, dict[str, Any]]:
    raises = operation.declared.raises.items()
    own: dict[int | str, dict[str, Any]] = {}
    for kind, why in raises:
        known = own.get(status_for(kind))
        own[status_for(kind)] = {"model": Refusal, "description": f"{known['description']}; {why}" if known else why}
    return {**own, **(TOO_MANY if operation.declared.is_checked else {})}


def _endpoint(operation: DeclaredOperation, area_of: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return the function of a route, with the signature that FastAPI reads."""
    declared = operation.declared

    def answer(**given: Any) -> Any:
        orchestra, principal, sent = given.pop("orchestra"), given.pop("principal"), given.pop("sent", None)
        if declared.is_secret:
            given.pop("response").headers["Cache-Control"] = "no-store"
        if sent is not None:
            given |= {name: getattr(sent, name) for name in type(sent).model_fields}
        whose = {"demo": is_demo(orchestra, given.pop("accounts"))} if operation.asks_whose else {}
        found = getattr(area_of(orchestra), operation.method)(principal, **given, **whose)
        return None if declared.status == 204 else operation.document(found, given)

    answer.__name__ = known_as(declared.name.replace(".", "_"))
    answer.__dict__["declaration"] = declared
    answer.__dict__["__signature__"] = inspect.Signature(list(_parameters(operation)))
    return answer


def _parameters(operation: DeclaredOperation) -> Iterator[inspect.Parameter]:
    """Yield the parameters of a route: what is not in its path is in the body, or behind `?` where there is none."""
    method, _, path = operation.declared.http.partition(" ")
    in_path = set(_IN_PATH.findall(path))
    if unknown := in_path - {each.name for each in operation.parameters}:
        raise TypeError(f"{operation.declared.name}: no parameter of its method is named {', '.join(sorted(unknown))}.")
    others = [each for each in operation.parameters if each.name not in in_path]
    yield _named("orchestra", Door)
    yield _named("principal", Acting)
    if operation.declared.is_secret:
        yield _named("response", Response)
    for each in operation.parameters:
        if each.name in in_path:
            yield _named(each.name, Annotated[each.type, Path(**_constraints(each))])
    if others and method in _WITH_BODY:
        yield _named("sent", _sent_model(operation, others))
    elif others:
        yield _named("sent", Annotated[_query_model(operation, others), Query()])
        return
    if operation.asks_whose:
        yield inspect.Parameter("accounts", inspect.Parameter.KEYWORD_ONLY, annotation=Accounts, default=None)


def _named(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)


def _title(operation: DeclaredOperation) -> str:
    """Return the beginning of the names of its models: `TablesSave`."""
    return "".join(word.title() for word in re.split(r"\W|_", operation.declared.name))


def _sent_model(operation: DeclaredOperation, given: list[Parameter]) -> type[BaseModel]:
    made: dict[str, Any] = dict(map(_field, given))
    name = known_as(f"{_title(operation)}Sent")
    return create_model(name, __base__=RequestBody, __doc__=f"{operation.declared.title}.", **made)


def _query_model(operation: DeclaredOperation, given: list[Parameter]) -> type[BaseModel]:
    made: dict[str, Any] = dict(map(_field, given)) | ({"accounts": (Accounts, None)} if operation.asks_whose else {})
    return create_model(f"{_title(operation)}Query", __config__=ConfigDict(extra="forbid"), **made)


def _answer_model(operation: DeclaredOperation) -> Any:
    kind, answer = model_for(operation.kind()), operation.declared.answer
    if not isinstance(answer, str) or not answer:
        return kind
    return _single_member_model(known_as(f"{_title(operation)}Answer"), answer, kind)


@cache
def _single_member_model(name: str, member: str, kind: Any) -> type[BaseModel]:
    members: dict[str, Any] = {member: (kind, ...)}
    return create_model(name, **members)


def _field(each: Parameter) -> tuple[str, Any]:
    return each.name, (each.type, Field(... if each.is_required else each.default, **_constraints(each)))


def _constraints(each: Parameter) -> dict[str, Any]:
    meta = each.meta
    found: dict[str, Any] = {name: value for name in _CONSTRAINTS if (value := getattr(meta, name)) is not None}
    return found | ({"json_schema_extra": meta.extra_json_schema} if meta.extra_json_schema else {})
