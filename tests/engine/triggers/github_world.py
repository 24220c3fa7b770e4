"""GitHub, for the contract suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from clients.errors import Unavailable
from clients.github.client import GitHubClient
from clients.github.service import GitHubSettings
from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World

REPOSITORY = "acme/app"


def client_of(scene: Scene) -> GitHubClient:
    """A client of the stand-in."""
    where = scene.standins["github"]
    return GitHubClient(GitHubSettings(token=SecretStr(where.token), base_url=where.base_url), scene.http)


def other(scene: Scene, what: str, **body: Any) -> None:
    """Let somebody else do something."""
    where = scene.standins["github"]
    told = {"user": "mira-kovac", **body}
    scene.standins.controls.post(f"{where.origin}/_demo/{what}", json=told).raise_for_status()


def _world(fields: Mapping[str, Any], happen: Callable[[Scene, int], None]) -> Callable[[Scene], World]:
    def world(scene: Scene) -> World:
        return World(
            fields=fields,
            happen=lambda number: happen(scene, number),
            shown=lambda: scene.standins.show("github"),
            client=client_of(scene),
            fail=lambda: scene.standins.faults("github", times=1, status=503),
            fails_with=Unavailable,
            now=lambda number: NOW + timedelta(minutes=number),
        )

    return world


def _name(scene: Scene) -> str:
    return f"@{client_of(scene).account()}"


def _release(scene: Scene, number: int) -> None:
    fields = {"tag": f"v{number}", "title": f"Thing {number}", "body": "", "target": ""}
    client_of(scene).releases.create(REPOSITORY, {**fields, "draft": False, "prerelease": False}, "")


WORLDS = {
    "github.new_issue": _world(
        {"repository": REPOSITORY},
        lambda scene, number: other(scene, "open", repository=REPOSITORY, title=f"Thing {number}", body="Hello"),
    ),
    "github.release": _world({"repository": REPOSITORY}, _release),
    "github.mention": _world(
        {}, lambda scene, number: other(scene, "say", repository=REPOSITORY, number=2, body=f"{_name(scene)} {number}")
    ),
    "github.review_request": _world(
        {}, lambda scene, _: other(scene, "ask_review", repository="acme/website", number=2)
    ),
}
