"""A part of the GraphQL API: the account, repositories, issues and comments; commenting, and closing an issue."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import BODY_LENGTH, login, now
from demo.github.objects import Record, labels_of, node_id, page_of, user
from demo.github.records import issues_of, new_comment, save
from demo.github.repositories import shown_repository
from demo.service import Refused

if TYPE_CHECKING:
    from graphql import GraphQLSchema

_MOST = 100
_SDL = """
scalar DateTime
scalar URI
enum IssueState { CLOSED OPEN }
enum IssueClosedStateReason { COMPLETED DUPLICATE NOT_PLANNED }
interface Actor { login: String! url: URI! }
type User implements Actor { login: String! url: URI! }
type Label { id: ID! name: String! color: String! }
type LabelConnection { nodes: [Label] totalCount: Int! }
type IssueComment { id: ID! author: Actor body: String! url: URI! createdAt: DateTime! updatedAt: DateTime! }
type IssueCommentConnection { nodes: [IssueComment] totalCount: Int! }
type IssueCommentEdge { node: IssueComment }
type Issue {
  id: ID!
  number: Int!
  title: String!
  body: String!
  url: URI!
  state: IssueState!
  closed: Boolean!
  locked: Boolean!
  createdAt: DateTime!
  updatedAt: DateTime!
  author: Actor
  comments(first: Int, last: Int): IssueCommentConnection!
  labels(first: Int, last: Int): LabelConnection
}
type IssueConnection { nodes: [Issue] totalCount: Int! }
type Repository {
  id: ID!
  name: String!
  nameWithOwner: String!
  description: String
  isPrivate: Boolean!
  url: URI!
  issue(number: Int!): Issue
  issues(first: Int, last: Int, states: [IssueState!]): IssueConnection!
}
type Query {
  viewer: User!
  repository(owner: String!, name: String!, followRenames: Boolean = true): Repository
}
input AddCommentInput { body: String! clientMutationId: String subjectId: ID! }
type AddCommentPayload { clientMutationId: String commentEdge: IssueCommentEdge }
input CloseIssueInput { clientMutationId: String issueId: ID! stateReason: IssueClosedStateReason }
type CloseIssuePayload { clientMutationId: String issue: Issue }
type Mutation {
  addComment(input: AddCommentInput!): AddCommentPayload
  closeIssue(input: CloseIssueInput!): CloseIssuePayload
}
"""
"""Word for word from the published schema (docs.github.com/graphql)."""


@cache
def schema() -> GraphQLSchema:
    """Return the schema."""
    # Imported late, since most runs send no GraphQL query.
    from graphql import build_schema

    return build_schema(_SDL)


class _Refused(Exception):
    """A field that GitHub refuses; `kind` is its word for why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def answer(call: StandInCall) -> StandInReply:
    """POST /graphql: {data, errors}, as GitHub answers it: with 200, whatever the errors."""
    from graphql import GraphQLError, graphql_sync

    document = call.body.get("query")
    if not isinstance(document, str):
        raise Refused(400, "A query attribute must be specified and must be a string.")
    roots = {"viewer": lambda _: _user(call, login(call.store)), **_roots(call)}
    found = graphql_sync(
        schema(),
        document,
        roots,
        variable_values=call.body.get("variables") or {},
        operation_name=call.body.get("operationName"),
    )

    def error(each: GraphQLError) -> Record:
        kind = getattr(each.original_error, "kind", "")
        return {**({"type": kind} if kind else {}), **each.formatted}

    # A query that cannot be run at all has no `data`; a field that failed leaves null there (GraphQL spec, 7.1).
    told: Record = {} if found.data is None and found.errors else {"data": found.data}
    return StandInReply({**told, **({"errors": [error(each) for each in found.errors]} if found.errors else {})})


def _roots(call: StandInCall) -> Record:
    def repository(_: object, owner: str, name: str, **_more: object) -> Record:
        found = call.store.get("github/repositories", f"{owner}/{name}".lower())
        if found is None:
            raise _Refused("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        return _repository(call, found)

    def add_comment(_: object, input: Record) -> Record:  # noqa: A002 - GitHub's name of the argument
        record = _subject(call, input["subjectId"])
        if not input["body"].strip() or len(input["body"]) > BODY_LENGTH:
            raise _Refused("UNPROCESSABLE", "Body cannot be blank, or longer than 65536 characters.")
        added = new_comment(call.store, record, login(call.store), input["body"], now())
        return {"clientMutationId": input.get("clientMutationId"), "commentEdge": {"node": _comment(call, added)}}

    def close_issue(_: object, input: Record) -> Record:  # noqa: A002
        record = _subject(call, input["issueId"])
        reason = str(input.get("stateReason") or "COMPLETED").lower()
        closed = {"state": "closed", "state_reason": reason, "closed_at": now(), "closed_by": login(call.store)}
        save(call.store, {**record, **closed, "updated_at": now()})
        return {"clientMutationId": input.get("clientMutationId"), "issue": _issue(call, {**record, **closed})}

    return {"repository": repository, "addComment": add_comment, "closeIssue": close_issue}


def _subject(call: StandInCall, wanted: str) -> Record:
    for each in call.store.all("github/issues"):
        if node_id("PR" if "pull" in each else "I", each["id"]) == wanted:
            return each
    raise _Refused("NOT_FOUND", f"Could not resolve to a node with the global id of '{wanted}'")


def _repository(call: StandInCall, found: Record) -> Record:
    shown = shown_repository(call.base, call.store, found)
    issues = [each for each in issues_of(call.store, found["full_name"]) if "pull" not in each]

    def issue(_: object, number: int) -> Record:
        one = next((each for each in issues if each["number"] == number), None)
        if one is None:
            raise _Refused("NOT_FOUND", f"Could not resolve to an Issue with the number of {number}.")
        return _issue(call, one)

    def listed(_: object, states: list[str] | None = None, **paged: int | None) -> Record:
        kept = [each for each in issues if states is None or each["state"].upper() in states]
        return _connection(kept, lambda each: _issue(call, each), paged)

    return {
        "id": shown["node_id"],
        "name": shown["name"],
        "nameWithOwner": shown["full_name"],
        "description": shown["description"],
        "isPrivate": shown["private"],
        "url": shown["html_url"],
        "issue": issue,
        "issues": listed,
    }


def _connection(kept: list[Record], shape: Callable[[Record], Record], paged: dict[str, int | None]) -> Record:
    """Return a page of a list; GitHub asks for its size, at most 100."""
    first, last = paged.get("first"), paged.get("last")
    size = last if first is None else first
    if size is None or not 0 <= size <= _MOST:
        raise _Refused("MISSING_PAGINATION_BOUNDARIES", "You must provide a `first` or `last` value of at most 100.")
    part = kept[:size] if first is not None else kept[len(kept) - min(size, len(kept)) :]
    return {"nodes": [shape(each) for each in part], "totalCount": len(kept)}


def _issue(call: StandInCall, record: Record) -> Record:
    comments = [
        each
        for each in call.store.all("github/comments")
        if (each["repository"], each["issue"]) == (record["repository"], record["number"])
    ]
    labels = labels_of(call.store, record)
    return {
        "id": node_id("I", record["id"]),
        **{name: record[name] for name in ("number", "title")},
        "body": record["body"] or "",
        "url": page_of(call.base, record),
        "state": record["state"].upper(),
        "closed": record["state"] == "closed",
        "locked": record.get("locked", False),
        "createdAt": record["created_at"],
        "updatedAt": record["updated_at"],
        "author": _user(call, record["user"]),
        "comments": lambda _, **paged: _connection(comments, lambda each: _comment(call, each), paged),
        "labels": lambda _, **paged: _connection(labels, _label, paged),
    }


def _label(record: Record) -> Record:
    return {"id": node_id("LA", record["id"]), "name": record["name"], "color": record["color"]}


def _comment(call: StandInCall, record: Record) -> Record:
    page = f"{call.base}/{record['repository']}/issues/{record['issue']}#issuecomment-{record['id']}"
    return {
        "id": node_id("IC", record["id"]),
        "author": _user(call, record["user"]),
        "body": record["body"],
        "url": page,
        "createdAt": record["created_at"],
        "updatedAt": record["updated_at"],
    }


def _user(call: StandInCall, name: str) -> Record:
    return {"__typename": "User", "login": name, "url": user(call.base, name)["html_url"]}


TABLE: Table = (("POST", "/graphql", answer),)
