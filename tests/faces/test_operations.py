"""Every operation that declares its faces: a route and a command with the same document, the same line in the trail,
and the same roles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from engine.agents.agents import Agents
from engine.data.collections import Collections
from engine.data.tables import Tables
from engine.hooks.signatures import Received
from engine.orchestra import Orchestra
from engine.people.access import ROLES, Principal, may
from engine.people.api_tokens import ApiTokens
from engine.people.operation import DeclaredOperation, declarations_of, operation_of
from engine.people.users import Users
from engine.rights_docs import operations
from engine.runs.budgets import Budgets
from engine.runs.rules.rules import MailRules
from engine.runs.usage import UsageReader
from engine.runs.workers import Workers
from engine.tools.editing import ToolFiles
from engine.tools.store import ToolStore
from engine.tools.tools import Tools
from engine.tools.versions import VersionedTools
from engine.triggering.forms import Forms
from engine.triggering.hooks import Hooks
from engine.triggering.triggers import Triggers
from tests.engine.conftest import set_step, write_workflow
from tests.faces.conftest import LOCAL, PASSWORD, Faces
from tests.hook_signing import github
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("owner", "owner")
AREAS: Mapping[str, type] = {
    "tables": Tables,
    "collections": Collections,
    "agents": Agents,
    "tools": Tools,
    "tool_files": ToolFiles,
    "users": Users,
    "budgets": Budgets,
    "usage": UsageReader,
    "workers": Workers,
    "triggers": Triggers,
    "forms": Forms,
    "hooks": Hooks,
    "rules": MailRules,
    "users.api_tokens": ApiTokens,
}
GOOD: Mapping[str, Mapping[str, Any]] = {
    "tables": {"table": "customers", "key": "ann", "value": {"mails": 2}},
    "collections": {"collection": "mail", "document": "invoice", "question": "invoice"},
    "users": {"user_id": "ann", "role": "operator", "password": PASSWORD},
    "agents": {"name": "clerk", "new": "aide", "text": "{}"},
    "agents.create": {"name": "another"},
    "agents.save": {"name": "another", "text": "{}"},
    "tools": {"name": "strip", "new": "trim", "path": "main.py"},
    "triggers": {"workflow": "nightly", "trigger": "night"},
    "hooks": {"workflow": "orders", "trigger": "hook", "key": "guess"},
    "tools.new": {"name": "another"},
    "rules": {
        "workflow": "sorted",
        "step": "sort",
        "rule": {"list": "a", "answer": {"label": "b"}},
        "number": 2,
        "to": 1,
    },
    "tokens": {"user_id": "owner", "name": "laptop", "token_id": "script"},
}
"""Arguments of the operations of an area, or of one operation, by name."""
SORTS = {
    "uses": "llm.classify",
    "with": {"text": "{{ mail.text }}", "labels": ["a", "b"]},
    "rules": [{"from": f"{name}.example", "answer": {"label": name}} for name in "ab"],
}
NIGHTLY = [{"id": "night", "uses": "schedule", "with": {"cron": "0 3 * * *"}}]
UNTOLD = {"users.login_link"}
"""What `Faces.trail` leaves out, as these tests sign in so."""
TIMES = r"20\d\d-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)|20\d{6}T[\d.]+Z"
ELSEWHERE = re.compile(rf"orch_[0-9a-f]{{64}}|(?<=')[0-9a-f]{{16}}(?=')|{TIMES}")
"""What differs from one workspace to the next, and how a time says that it is of UTC."""


def prepare(faces: Faces) -> Mapping[str, str]:
    """Let there be a table, a collection, a token, a signed-in person, an agent and a tool; return what names them."""
    orchestra = faces.orchestra
    faces.client("owner")
    orchestra.users.add(LOCAL, "ann", "Ann", "viewer")
    orchestra.users.redeem(orchestra.users.login_link(LOCAL, "ann"))
    [session] = orchestra.users.sessions(LOCAL, "ann")
    orchestra.tables.save(LOCAL, "customers", "ann", {"mails": 1})
    orchestra.users.api_tokens.create(LOCAL, "owner", "script")
    fields = {"collection": "mail", "documents": [{"id": "invoice", "text": "Invoice NW-20418."}]}
    write_workflow(orchestra.workspace.root, "keep", [{"id": "keep", "uses": "rag.index", "with": fields}])
    run_id = orchestra.runs.start(OWNER, "keep", {})
    assert orchestra.runs.wait(LOCAL, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    orchestra.tools.new(LOCAL, "strip")
    orchestra.agents.create(LOCAL, "clerk")
    write_workflow(orchestra.workspace.root, "nightly", [set_step("one")], triggers=NIGHTLY)
    given = {"said": "{{ item.body.missing }}"}  # so that no run starts beside what is done here
    hook = {"id": "hook", "uses": "webhook.received", "with": {"verify": "github"}, "inputs": given}
    said = {"type": "object", "properties": {"said": {"type": "string", "default": ""}}}
    write_workflow(orchestra.workspace.root, "orders", [set_step("one")], triggers=[hook], inputs=said)
    orchestra.hooks.set_key(LOCAL, "orders", "hook", "guess")
    delivery = _delivered(orchestra)
    mails = {"id": "mails", "uses": "gmail.search_messages", "with": {}}
    each = {"id": "sort", "foreach": "{{ steps.mails.output.messages }}", "as": "mail", **SORTS}
    write_workflow(orchestra.workspace.root, "sorted", [mails, each])
    shelf = ToolStore(orchestra.workspace.root)
    VersionedTools(shelf, orchestra.workspace).record("strip", shelf.files("strip"), None, "ann")
    [version] = orchestra.tools.versions(LOCAL, "strip")
    etag = orchestra.tool_files.get(LOCAL, "strip", "main.py").etag
    return {"session_id": session.id, "version_id": version.id, "etag": etag, "delivery": delivery}


def _delivered(orchestra: Orchestra) -> str:
    """Let a delivery have come to a webhook that is on; return its id."""
    orchestra.triggers.turn_on(LOCAL, "orders", "hook")
    name, token = orchestra.hooks.get(LOCAL, "orders", "hook").url.split("/")[-2:]
    body = b'{"title": "Order"}'
    headers = {"content-type": "application/json", **{k.lower(): v for k, v in github(body, 0, "one", "guess").items()}}
    door = orchestra.hook_door
    return door.receive(door.open(name, token), Received(headers, {}, body)).id


def every() -> Iterator[DeclaredOperation]:
    """Every operation with a route that is derived."""
    for area in AREAS.values():
        for method, declared in declarations_of(area).items():
            if declared.http:
                yield operation_of(vars(area)[method])


EVERY = [pytest.param(one, id=one.declared.name) for one in every()]


def good(one: DeclaredOperation) -> Mapping[str, Any]:
    """Return arguments for an operation."""
    name = one.declared.name
    return GOOD.get(name) or GOOD.get(name.partition(".")[0], {})


def request(one: DeclaredOperation, found: Mapping[str, str]) -> tuple[str, str, Any]:
    """Return the request for the arguments of GOOD, those that have no default."""
    given, (method, _, path) = {**good(one), **found}, one.declared.http.partition(" ")
    needed = [each.name for each in one.parameters if each.is_required and f"{{{each.name}}}" not in path]
    sent = {name: given[name] for name in needed}
    address = path.format(**{name: quote(str(value), safe="") for name, value in given.items()})
    if method in ("POST", "PUT"):
        return method, address, sent or None
    return method, f"{address}?{urlencode(sent)}", None


def command(one: DeclaredOperation, found: Mapping[str, str]) -> list[str]:
    """Return the command for the same arguments."""
    given = {**good(one), **found}
    placed = [each.name for each in one.parameters if each.is_placed and not each.face.option]
    return [*one.declared.command.split(), *(str(given[name]).replace("'", '"') for name in placed)]


@pytest.mark.parametrize("one", EVERY)
def test_each_face_answers_the_same_and_leaves_the_same_line(
    make_faces: Callable[[], Faces], one: DeclaredOperation
) -> None:
    said = []
    for is_request in (True, False) if one.declared.command else (True,):
        faces = make_faces()
        there = prepare(faces)
        before = faces.trail()
        outcome = faces.request(*request(one, there)) if is_request else faces.command(command(one, there))
        assert outcome.error == "", outcome
        new = [action for action, _ in faces.trail()[len(before) :]]
        only_looks = one.declared.http.startswith("GET ") or one.declared.right == "view"
        leaves_none = only_looks or one.declared.name in UNTOLD
        assert new == ([] if leaves_none else [one.declared.name])
        said.append(ELSEWHERE.sub("…", repr(outcome.value)))
    assert one.declared.status == 204 or len(set(said)) == 1, said


def test_who_may_not_is_refused_and_changes_nothing(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    there = prepare(faces)
    before = faces.trail()
    for one in every():
        right = one.declared.right or "admin"  # nobody here is whom it is about
        for role in ROLES[1:]:
            if not may(Principal(role, role), right):
                assert faces.request(*request(one, there), role).error == "NotAllowed", (one.declared.name, role)
            elif one.declared.http.startswith("GET "):
                assert faces.request(*request(one, there), role).error == "", (one.declared.name, role)
    assert faces.trail() == before


def test_each_area_is_where_the_faces_look_for_it(make_faces: Callable[[], Faces], api: FastAPI) -> None:
    orchestra = make_faces().orchestra
    for at, area in AREAS.items():
        found = attrgetter(at)(orchestra)
        assert all(hasattr(found, method) for method in declarations_of(area)), at
    api.openapi()
    routes = [getattr(one.endpoint, "declaration", None) for one in iter_route_contexts(api.routes)]
    declared = {one.name for one in operations() if one.http}
    assert {one.name for one in routes if one is not None} == declared == {one.declared.name for one in every()}
