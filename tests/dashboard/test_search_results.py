from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from dashboard.find_route import find_routes
from dashboard.pages import all_views
from engine.orchestra import Orchestra
from engine.people.access import ROLES, Principal, Role, may

LOCAL = Principal("local:grace", "owner")


@pytest.fixture
def ask(orchestra: Orchestra) -> Callable[[Role | None, str], list[dict[str, Any]]]:
    """Search as somebody with a role; None is a stranger."""
    client = TestClient(Starlette(routes=find_routes(lambda: orchestra)))

    def ask(role: Role | None, query: str) -> list[dict[str, Any]]:
        client.cookies.clear()
        if role is not None:
            if role not in {one.id for one in orchestra.users.list(LOCAL)}:
                orchestra.users.add(LOCAL, role, role, role)
            session = orchestra.users.redeem(orchestra.users.login_link(LOCAL, role))
            assert session is not None
            client.cookies.set("orchestra_session", session.id)
        answer = client.get("/find", params={"q": query})
        if role is None:
            assert (answer.status_code, answer.content) == (401, b"")
            return []
        found: list[dict[str, Any]] = answer.json()["found"]
        return found

    return ask


def test_nobody_finds_what_they_may_not_open_or_do(ask: Callable[..., list[dict[str, Any]]]) -> None:
    ask(None, "inbox")
    rights = {f"/{view.page.path}": view.page.right for view in all_views()}
    for role in ROLES:
        who = Principal(role, role)
        for query in ("", "user", "audit", "new", "add", "plan inbox", "edit inbox", "run inbox"):
            found = ask(role, query)
            for one in found:
                assert may(who, rights[one["address"].partition("?")[0].partition("#")[0]]), (role, one)
        assert bool([one for one in ask(role, "plan inbox") if one["title"] == "Plan Inbox triage"]) == may(who, "run")
        assert bool([one for one in ask(role, "new") if one["title"] == "New workflow"]) == may(who, "edit")
        assert bool([one for one in ask(role, "users") if one["title"] == "Users"]) == may(who, "admin")


BEST = [
    ("inbox", "Inbox triage", "/workflow?name=inbox-triage"),
    ("classify-mail", "Classify a mail", "/prompt?name=classify-mail"),
    ("approvals", "Approvals", "/approvals"),
    ("new work", "New workflow", "/new-workflow"),
    ("new frag", "New fragment", "/prompts?tab=fragments&do=new"),
    ("plan inbox", "Plan Inbox triage", "/workflow?name=inbox-triage"),
    ("plan and apply", "Plan and apply", "/help?page=control#plan-and-apply"),
]


def test_the_best_hit_leads_there(ask: Callable[..., list[dict[str, Any]]]) -> None:
    for query, title, address in BEST:
        found = ask("owner", query)
        assert (title, address) in [(one["title"], one["address"]) for one in found[:2]], found[:4]


WORDS = {
    "": "today",
    "workflows": "automation",
    "triggers": "schedule",
    "environments": "staging",
    "runs": "history",
    "plans": "preview",
    "approvals": "question",
    "prompts": "fragment",
    "files": "document",
    "tables": "rows",
    "collections": "passages",
    "gallery": "template",
    "agents": "assistant",
    "tools": "sandbox",
    "projects": "website",
    "connections": "key",
    "settings": "time zone",
    "usage": "cost",
    "budgets": "limit",
    "users": "password",
    "tokens": "access",
    "workers": "server",
    "audit": "log",
    "help": "manual",
}
"""A word that people have for each place and tab that is not in its title."""


def test_every_page_is_found_by_the_words_that_people_have(ask: Callable[..., list[dict[str, Any]]]) -> None:
    assert {view.page.path for view in all_views() if view.page.in_menu} <= {*WORDS}
    for path, query in {**WORDS, "budgets": "money"}.items():
        found = [one["address"] for one in ask("owner", query)]
        assert f"/{path}" in found[:5], (query, found)
    for query, path in (("spend", "usage"), ("account", "connections"), ("password", "connections"), ("log", "runs")):
        assert f"/{path}" in [one["address"] for one in ask("owner", query)[:5]], query


def test_an_address_opens_the_dialog_once(open_page: Callable[..., AppTest]) -> None:
    for path, key in (("prompts", "new-prompt-make"), ("users", "new-user-make")):
        at = open_page(path, do="new")
        assert not at.exception
        assert key in {one.key for one in at.button}
        assert "do" not in at.query_params


def test_help_shows_a_page_with_links_to_others(open_page: Callable[..., AppTest]) -> None:
    at = open_page("help", page="control")
    assert [one.value for one in at.title] == ["Control"]
    text = "\n".join(one.value for one in at.markdown)
    assert "](/help?page=trust#approvals)" in text
    assert ".md)" not in text
    assert not open_page("help", page="nothing").exception
    for page, link in (
        ("README", "adr/README"),
        ("adr/README", "adr/0006-own-migrations"),
        ("adr/0012-effects-once", "control"),
    ):
        assert f"](/help?page={link})" in "".join(str(one.value) for one in open_page("help", page=page).markdown)
