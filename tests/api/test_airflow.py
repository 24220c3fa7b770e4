"""The example for Airflow: its request starts one run however often it is sent, and its callables read the answers.

Airflow is too large to be installed for a test, so its operator only notes here what it is given.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from jinja2 import Template
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL
from tests.engine.conftest import set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "airflow_dag.py"
DAY = {"type": "object", "properties": {"day": {"type": "string"}}}
CONTEXT = {
    "dag": {"dag_id": "daily_report"},
    "task": {"task_id": "report"},
    "run_id": "scheduled__2026-11-20T00:00:00+00:00",
    "ds": "2026-11-20",
}


class Fail(Exception):
    """What ends a task of Airflow without a retry."""


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the example gives to Airflow's operator."""
    found: dict[str, Any] = {}
    names: dict[str, dict[str, Any]] = {
        "airflow.sdk": {"DAG": lambda *_, **__: nullcontext()},
        "airflow.sdk.exceptions": {"AirflowFailException": Fail},
        "airflow.providers.http.operators.http": {"HttpOperator": lambda **more: found.update(more)},
    }
    for name in {part for full in names for part in _with_parents(full)}:
        module = ModuleType(name)
        vars(module).update(names.get(name, {}))
        monkeypatch.setitem(sys.modules, name, module)
    runpy.run_path(str(EXAMPLE))
    return found


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


@pytest.fixture
def send(client: TestClient, token: str, given: dict[str, Any]) -> Callable[[], Any]:
    """Send the request as Airflow does: with its templates filled in, and the token of the connection."""

    def request() -> Any:
        headers = {name: Template(text).render(CONTEXT) for name, text in given["headers"].items()}
        headers["Authorization"] = f"Bearer {token}"
        body = Template(given["data"]).render(CONTEXT)
        return client.request(given["method"], f"/{given['endpoint']}", headers=headers, content=body)

    return request


def test_a_repeated_request_finds_the_run_and_hands_on_its_outputs(
    orchestra: Orchestra, send: Callable[[], Any], given: dict[str, Any]
) -> None:
    naps: Any = [{"id": "nap", "uses": "flow.wait", "with": {"seconds": 3}}]
    steps = [*naps, set_step("words", {"text": "Report of {{ inputs.day }}"})]
    outputs = {"text": "{{ steps.words.output.text }}"}
    write_workflow(orchestra.workspace.root, "report", steps, inputs=DAY, outputs=outputs)
    first = send()
    assert (first.status_code, given["response_check"](first)) == (202, False)
    orchestra.runs.wait(LOCAL, first.json()["run_id"], PATIENCE_SECONDS)
    answer = send()
    while answer.status_code == 202:  # it waits for its time
        answer = send()
    assert given["response_check"](answer) is True
    assert given["response_filter"](answer) == {"text": "Report of 2026-11-20"}
    assert [row.run_id for row in orchestra.runs.list(LOCAL).rows] == [first.json()["run_id"]]
    assert json.loads(given["data"])["wait_seconds"] < 300


def test_a_failed_run_ends_the_task(orchestra: Orchestra, send: Callable[[], Any], given: dict[str, Any]) -> None:
    refusal: Any = [{"id": "no", "uses": "flow.assert", "with": {"condition": False, "message": "Never."}}]
    write_workflow(orchestra.workspace.root, "report", refusal, inputs=DAY)
    with pytest.raises(Fail, match=r"^Run .*: .*Never"):
        given["response_check"](send())
