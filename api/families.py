"""Families of routes, each imported when the first request comes for one of its addresses.

Together they are nine tenths of the API, take a second to import and 30 MiB to keep, and most servers serve a few.
Where two families share a path, the second is imported if the first does not have the address.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, FastAPI
from fastapi.params import Depends
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send


@dataclass(frozen=True)
class Family:
    """Routers whose addresses begin with one of these paths; `routers` imports them."""

    paths: tuple[str, ...]
    routers: Callable[[], Sequence[APIRouter]]

    def has(self, path: str) -> bool:
        """Return whether an address may be one of this family."""
        return any(path == one or path.startswith(f"{one}/") for one in self.paths)


def _catalog() -> Sequence[APIRouter]:
    from api.routes import catalog

    return [catalog.router]


def _people() -> Sequence[APIRouter]:
    from api.base.derived import router_of
    from api.routes import users
    from engine.people.api_tokens import ApiTokens
    from engine.people.users import Users

    return [users.router, router_of(Users, "users", "Users"), router_of(ApiTokens, "users.api_tokens", "Users")]


def _connections() -> Sequence[APIRouter]:
    from api.routes import connections

    return [connections.router]


def _triggers() -> Sequence[APIRouter]:
    from api.base.derived import router_of
    from api.routes import triggers
    from engine.triggering.forms import Forms
    from engine.triggering.hooks import Hooks
    from engine.triggering.triggers import Triggers

    areas = ((Triggers, "triggers"), (Forms, "forms"), (Hooks, "hooks"))
    return [triggers.router, *(router_of(area, at, "Triggers", says_remedies=True) for area, at in areas)]


def _operations() -> Sequence[APIRouter]:
    from api.base.derived import router_of
    from api.routes import approvals, plans, state, usage
    from engine.runs.budgets import Budgets
    from engine.runs.usage import UsageReader
    from engine.runs.workers import Workers

    areas = (
        router_of(Budgets, "budgets", "Budgets"),
        router_of(Workers, "workers", "Workers"),
        router_of(UsageReader, "usage", "Usage"),
    )
    parts = (state.attention, state.budgets, state.workers, state.settings, state.plugins, state.router)
    return [approvals.router, plans.router, *parts, usage.router, *areas]


def _data() -> Sequence[APIRouter]:
    from api.base.derived import router_of
    from api.routes.data import agent_versions, files, tool_servers, tools
    from engine.agents.agents import Agents
    from engine.data.collections import Collections
    from engine.data.tables import Tables
    from engine.tools.editing import ToolFiles
    from engine.tools.tools import Tools

    areas = (
        router_of(Tables, "tables", "Tables"),
        router_of(Collections, "collections", "Collections"),
        router_of(Agents, "agents", "Agents"),
        router_of(Tools, "tools", "Tools"),
        router_of(ToolFiles, "tool_files", "Tools"),
    )
    modules = (agent_versions, files, tools, tool_servers)
    return [*areas, *(module.router for module in modules), files.added]


def _projects() -> Sequence[APIRouter]:
    from api.routes.projects import commands, projects

    return [module.router for module in (projects, commands)]


def _copilot() -> Sequence[APIRouter]:
    from api.routes.copilot import answers, conversations, fixes, prompts, proposals, stories, wizard

    return [module.router for module in (proposals, answers, conversations, wizard, fixes, prompts, stories)]


def _workflows() -> Sequence[APIRouter]:
    from api.base.derived import router_of
    from api.routes.workflows import (
        branches,
        bundles,
        changes,
        debugging,
        editing,
        environments,
        first_run,
        run_bundles,
        step_tries,
        versions,
    )
    from engine.runs.rules.rules import MailRules

    modules = (
        first_run,
        changes,
        editing,
        branches,
        versions,
        debugging,
        step_tries,
        bundles,
        run_bundles,
        environments,
    )
    return [*(module.router for module in modules), editing.checked, router_of(MailRules, "rules", "Workflows")]


def _flows() -> Sequence[APIRouter]:
    from api.routes.workflows import flows

    return [flows.router]


def _prompts() -> Sequence[APIRouter]:
    from api.routes.prompts import cases, changes, comparisons, fragments, matrices, texts, tries

    modules = (changes, texts, fragments, tries, comparisons, cases, matrices)
    return [*(module.router for module in modules), texts.imports]


FAMILIES = (
    Family(("/api/workflows", "/api/prompts", "/api/gallery", "/api/step-types", "/api/search"), _catalog),
    Family(("/api/users", "/api/audit"), _people),
    Family(("/api/connections", "/api/choices", "/api/troubles", "/api/local-models"), _connections),
    Family(("/api/triggers",), _triggers),
    Family(
        (
            *("/api/approvals", "/api/attention", "/api/plans", "/api/budgets"),
            *("/api/workers", "/api/settings", "/api/plugins", "/api/state", "/api/usage"),
        ),
        _operations,
    ),
    Family(("/api/tables", "/api/agents", "/api/collections", "/api/files", "/api/tools", "/api/connections"), _data),
    Family(("/api/projects",), _projects),
    Family(("/api/copilot",), _copilot),
    Family(
        (
            "/api/workflows",
            "/api/workflow-imports",
            "/api/first-run",
            "/api/environments",
            "/api/runs",
            "/api/run-imports",
        ),
        _workflows,
    ),
    Family(("/api/prompts", "/api/prompt-imports", "/api/fragments"), _prompts),
    Family(("/flows", "/workflows"), _flows),
)


class FamilyRoute(BaseRoute):
    """A placeholder for a family among the routes; it comes after all others, and gets what they do not take."""

    def __init__(self, family: Family, api: Api) -> None:
        self.family, self._api = family, api

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match every address that may be one of the family."""
        return Match.FULL if self.family.has(scope["path"]) else Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the routes of the family in this one's place, and ask all routes again."""
        await to_thread.run_sync(self._api.take_in, self)
        await self._api.router.app(scope, receive, send)


class Api(FastAPI):
    """The REST API, with the families that somebody has asked for.

    `signed_in` is a dependency of all of them.
    """

    def __init__(self, signed_in: Depends, **options: Any) -> None:
        super().__init__(**options)
        self._signed_in = signed_in
        self._taking_in = threading.Lock()
        self._describing = threading.Lock()
        self._description_json: bytes | None = None

    def stand_in(self, families: Sequence[Family]) -> None:
        """Add a placeholder for each of these families; call it after all other routes are added."""
        self.router.routes.extend(FamilyRoute(family, self) for family in families)

    def take_in(self, route: FamilyRoute) -> None:
        """Import a family, and put its routes in the place of its placeholder. May take half a second."""
        routers = route.family.routers()
        with self._taking_in:
            if route not in self.router.routes:
                return
            for router in routers:
                self.include_router(router, dependencies=[self._signed_in])
            # A new list, as requests may be going through the old one; families that are not imported stay at its end.
            others = [one for one in self.router.routes if one is not route]
            self.router.routes = sorted(others, key=lambda one: isinstance(one, FamilyRoute))

    def addresses(self) -> set[str]:
        """Return the beginnings of all addresses, up to what differs; no family is imported for it."""
        begun = [one.path.partition("/{")[0] for one in iter_route_contexts(self.routes) if one.path]
        return {*begun, *(path for family in FAMILIES for path in family.paths)}

    def complete(self) -> None:
        """Import all families, for whoever lists or describes every route."""
        for route in list(self.router.routes):
            if isinstance(route, FamilyRoute):
                self.take_in(route)

    def openapi(self) -> dict[str, Any]:
        """Return the description of every route."""
        self.complete()
        return super().openapi()

    def description_json(self) -> bytes:
        """Return the description of every route as JSON.

        Making it takes seconds, and anybody may ask for it: it is made once, and whoever asks meanwhile waits.
        """
        with self._describing:
            if self._description_json is None:
                self._description_json = bytes(JSONResponse(self.openapi()).body)
            return self._description_json
