"""Holds every answer that a stand-in gives in the tests against the published description of its service.

An answer that lacks a required member, or has one of the wrong type, becomes a 500 that says so: the test that asked
for it fails. Google's are held against its discovery documents, GitHub and OpenAI against models that are made from
their OpenAPI descriptions, Notion (which publishes none) against the members that all recorded answers have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.demo.gmail_schema import differences, document

Check = Callable[[Any], list[str]]


def described(app: Starlette, service: str) -> Starlette:
    """Let a stand-in's answers be checked before faults are played on them."""
    app.router = Described(app.router, service)  # type: ignore[assignment]
    return app


class Described:
    """ASGI application around the routes of a stand-in."""

    def __init__(self, inner: ASGIApp, service: str) -> None:
        self.inner, self.service = inner, service

    def __getattr__(self, name: str) -> Any:
        """Be the router for all else that asks it."""
        return getattr(self.inner, name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        check = check_of(self.service, scope.get("method", ""), scope.get("path", ""))
        if check is None:
            await self.inner(scope, receive, send)
            return
        sent: list[Message] = []

        async def kept(message: Message) -> None:
            if (message["type"] == "http.response.start" and _is_json(message)) or sent:
                sent.append(message)
            else:  # a page, a file, a stream
                await send(message)

        await self.inner(scope, receive, kept)
        if sent:
            await _checked(sent, check, f"{scope['method']} {scope['path']}", send)


def _is_json(start: Message) -> bool:
    return any(name == b"content-type" and b"json" in value for name, value in start.get("headers", []))


async def _checked(sent: list[Message], check: Check, what: str, send: Send) -> None:
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    found = check(json.loads(body)) if 200 <= sent[0]["status"] < 300 and body else []
    if found:
        told = json.dumps({"message": f"The stand-in's answer to {what} is not as described: {'; '.join(found[:5])}"})
        sent[:] = [
            {"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"application/json")]},
            {"type": "http.response.body", "body": told.encode()},
        ]
    for message in sent:
        await send(message)


@cache
def check_of(service: str, method: str, path: str) -> Check | None:
    """Return what holds an answer against its description; None where there is none."""
    if path.startswith("/_demo/") or service not in _CHECKS:
        return None
    return _CHECKS[service](method, path)


def _google(api: str, method: str, path: str) -> Check | None:
    found = google_method(api, method, path)
    if found is None or "response" not in found:
        return None
    return lambda answer: list(differences(answer, found["response"]["$ref"], api=api))


def google_method(api: str, method: str, path: str) -> dict[str, Any] | None:
    """Return the description of the method of an API of Google that a request calls."""
    return next((one for way, where, one in _methods(api) if way == method and where.fullmatch(path)), None)


@cache
def _methods(api: str) -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    whole = document(api)

    def methods(resource: dict[str, Any]) -> Iterator[tuple[str, re.Pattern[str], dict[str, Any]]]:
        for each in resource.get("methods", {}).values():
            written = each["flatPath"] if "{+" in each["path"] else each["path"]  # a name of several parts
            template = re.sub(r"\{[^}]+\}", "[^/:]+", f"/{whole['servicePath']}{written}")
            yield each["httpMethod"], re.compile(template), each
        for inner in resource.get("resources", {}).values():
            yield from methods(inner)

    return list(methods(whole))


GOOGLE = {
    "gmail": ("gmail.v1", "pubsub.v1"),
    "google_calendar": ("calendar.v3",),
    "google_sheets": ("sheets.v4", "oauth2.v2"),
    "google_drive": ("drive.v3",),
}
"""The descriptions that the stand-ins of these services are held against."""


def _google_service(service: str) -> Callable[[str, str], Check | None]:
    return lambda method, path: next(
        filter(None, (_google(api, method, path.removeprefix("/upload")) for api in GOOGLE[service])), None
    )


def _openai(method: str, path: str) -> Check | None:
    from openai.types import Model
    from openai.types.chat import ChatCompletion

    if (method, path) == ("POST", "/v1/chat/completions"):
        return _model_check(ChatCompletion)
    return _model_check(Model) if path.startswith("/v1/models/") else None


_REPOSITORY = r"/repos/[^/]+/[^/]+"
_GITHUB = {
    ("GET", "/user"): "PrivateUser",
    ("GET", _REPOSITORY): "FullRepository",
    ("GET", "/user/repos"): "list[Repository]",
    ("GET", f"{_REPOSITORY}/issues"): "list[Issue]",
    ("POST", f"{_REPOSITORY}/issues"): "Issue",
    ("GET", rf"{_REPOSITORY}/issues/\d+"): "Issue",
    ("PATCH", rf"{_REPOSITORY}/issues/\d+"): "Issue",
    ("GET", rf"{_REPOSITORY}/issues/\d+/comments"): "list[IssueComment]",
    ("POST", rf"{_REPOSITORY}/issues/\d+/comments"): "IssueComment",
    ("PATCH", rf"{_REPOSITORY}/issues/comments/\d+"): "IssueComment",
    ("GET", f"{_REPOSITORY}/labels"): "list[Label]",
    ("POST", f"{_REPOSITORY}/labels"): "Label",
    ("POST", rf"{_REPOSITORY}/issues/\d+/labels"): "list[Label]",
    ("GET", f"{_REPOSITORY}/commits"): "list[Commit]",
    ("GET", f"{_REPOSITORY}/commits/[^/]+"): "Commit",
    ("PUT", f"{_REPOSITORY}/contents/.+"): "FileCommit",
    ("GET", f"{_REPOSITORY}/pulls"): "list[PullRequestSimple]",
    ("POST", f"{_REPOSITORY}/pulls"): "PullRequest",
    ("GET", rf"{_REPOSITORY}/pulls/\d+"): "PullRequest",
    ("PATCH", rf"{_REPOSITORY}/pulls/\d+"): "PullRequest",
    ("GET", rf"{_REPOSITORY}/pulls/\d+/files"): "list[DiffEntry]",
    ("PUT", rf"{_REPOSITORY}/pulls/\d+/merge"): "PullRequestMergeResult",
    ("POST", rf"{_REPOSITORY}/pulls/\d+/reviews"): "PullRequestReview",
    ("GET", f"{_REPOSITORY}/branches"): "list[ShortBranch]",
    ("GET", f"{_REPOSITORY}/git/ref/.+"): "GitRef",
    ("POST", f"{_REPOSITORY}/git/refs"): "GitRef",
    ("GET", f"{_REPOSITORY}/compare/.+"): "CommitComparison",
    ("POST", f"{_REPOSITORY}/milestones"): "Milestone",
    ("GET", f"{_REPOSITORY}/releases"): "list[Release]",
    ("POST", f"{_REPOSITORY}/releases"): "Release",
    ("GET", "/notifications"): "list[Thread]",
    ("GET", "/rate_limit"): "RateLimitOverview",
    ("GET", "/search/issues"): "SearchIssuesGetResponse200",
}


def _github(method: str, path: str) -> Check | None:
    from githubkit_schemas.v2022_11_28 import models

    for (way, template), name in _GITHUB.items():
        if way == method and re.fullmatch(template, path):
            model = getattr(models, name.removeprefix("list[").removesuffix("]"))
            return _model_check(model, is_list=name.startswith("list["))
    return None


def _model_check(model: Any, *, is_list: bool = False) -> Check:
    shape: Any = list.__class_getitem__(model) if is_list else model
    adapter: TypeAdapter[Any] = TypeAdapter(shape)

    def check(answer: Any) -> list[str]:
        try:
            adapter.validate_python(answer)
        except ValueError as error:
            return str(error).splitlines()
        return []

    return check


_NOTION = {
    "page": "id created_time last_edited_time created_by last_edited_by cover icon parent archived is_archived in_trash"
    " is_locked properties url public_url",
    "block": "id parent created_time last_edited_time created_by last_edited_by has_children archived is_archived"
    " in_trash type",
    "comment": "id parent discussion_id created_time last_edited_time created_by rich_text",
    "user": "id type name avatar_url",
    "list": "results next_cursor has_more type",
}


def _notion(_method: str, _path: str) -> Check | None:
    return lambda answer: list(_notion_differences(answer, "$"))


def _notion_differences(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _notion_differences(inner, f"{place}[{index}]")
    elif isinstance(value, dict):
        is_whole = len(value) > 2  # {"object": "user", "id": …} names a user only
        wanted = _NOTION.get(str(value.get("object")), "").split() if is_whole else []
        yield from (f"{place}.{name}: missing" for name in wanted if name not in value)
        for name, inner in value.items():
            yield from _notion_differences(inner, f"{place}.{name}")


_CHECKS: dict[str, Callable[[str, str], Check | None]] = {
    "github": _github,
    "notion": _notion,
    "openai": _openai,
    **{name: _google_service(name) for name in GOOGLE},
}
