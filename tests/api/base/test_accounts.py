"""A request that does not say whose data it is about gets the demo's where the server has nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL
from tests.workspaces import init

ROW = {"key": "ann", "value": 1}


@pytest.fixture(params=[True, False], ids=["serve --demo", "serve"])
def orchestra(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Orchestra]:
    """A served workspace, once with --demo and once without."""
    init(tmp_path / "workspace")
    opened = Orchestra.open(tmp_path / "workspace", demo=request.param, serve=True)
    yield opened
    opened.close()


@pytest.fixture
def program(client: TestClient, token: str) -> TestClient:
    """The owner's program."""
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def test_rows_are_written_and_read_where_runs_keep_them(program: TestClient, orchestra: Orchestra) -> None:
    is_demo = orchestra.connections.is_demo_only
    assert program.put("/api/tables/customers/rows", json=ROW).status_code == 200
    assert orchestra.tables.names(LOCAL, demo=is_demo) == {"customers": 1}
    assert orchestra.tables.names(LOCAL, demo=not is_demo) == {}
    same, other = ("demo", "mine") if is_demo else ("mine", "demo")
    for asked, count in (("", 1), (f"?accounts={same}", 1), (f"?accounts={other}", 0)):
        assert len(program.get(f"/api/tables{asked}").json()["tables"]) == count
    assert program.get("/api/tables/customers").json()["total"] == 1
    assert program.get(f"/api/tables/customers?accounts={other}").status_code == 404
    assert program.get("/api/collections").json() == {"collections": []}
    assert program.get("/api/tables?accounts=yours").status_code == 422


def test_a_run_is_on_the_demo(program: TestClient) -> None:
    asked = {"workflow": "inbox-triage", "inputs": {"limit": 1}, "wait_seconds": 30}
    run = program.post("/workflows/execute", json=asked).json()
    assert (run["demo"], {one["mode"] for one in run["accounts"].values()}) == (True, {"demo"})
