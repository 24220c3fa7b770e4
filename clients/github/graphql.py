"""GitHub's GraphQL API: sends an operation of a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from clients.errors import AuthError, Conflict, InvalidRequest, NotFound, RateLimited, ServiceError, Unavailable
from clients.github.operations import MUTATION, QUERY, operation_of, wrong
from clients.github.transport import SERVICE
from clients.listing import Json
from clients.request_tracking import asking

if TYPE_CHECKING:
    from github.Requester import Requester

_BY_TYPE: Mapping[str, type[ServiceError]] = {
    "NOT_FOUND": NotFound,
    "FORBIDDEN": AuthError,
    "INSUFFICIENT_SCOPES": AuthError,
    "RATE_LIMITED": RateLimited,
    "STALE_DATA": Conflict,
    "UNPROCESSABLE": InvalidRequest,
    "SERVICE_UNAVAILABLE": Unavailable,
}
"""The `type` of an error in GitHub's answers."""


def asked(requester: Requester, document: str, variables: Mapping[str, Any], name: str) -> Json:
    """Send an operation: {data, errors: [{message, type, path}]}. Raises ServiceError if nothing was done.

    `errors` concern parts of it only: GraphQL answers the rest all the same.
    """
    operation = operation_of(document, name)
    if operation.kind not in (QUERY, MUTATION):
        raise wrong(f"GitHub has no {operation.kind}s.")
    sent: Json = {"query": document, "variables": dict(variables)}
    if operation.name:
        sent["operationName"] = operation.name
    with asking() if operation.kind == QUERY else nullcontext():
        _, answer = requester.requestJsonAndCheck("POST", requester.graphql_url, input=sent)
    errors = [_error(each) for each in answer.get("errors") or []]
    data = answer.get("data")
    if errors and not any(value is not None for value in (data or {}).values()):
        raise _refused(errors)
    return {"data": data, "errors": errors}


def _error(found: Mapping[str, Any]) -> Json:
    path = ".".join(str(each) for each in found.get("path") or [])
    return {"message": str(found.get("message") or ""), "type": str(found.get("type") or ""), "path": path}


def _refused(errors: Sequence[Mapping[str, str]]) -> ServiceError:
    kind = _BY_TYPE.get(errors[0]["type"], InvalidRequest)
    said = "; ".join(each["message"].rstrip(".") for each in errors)[:500]
    # Without a status, the key itself would count as refused, for all workflows.
    status = 403 if kind is AuthError else None
    return kind(f"GitHub refused it: {said}.", service=SERVICE, http_status=status)
