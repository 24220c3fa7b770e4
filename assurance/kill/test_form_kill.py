"""A server is killed right after it has thanked for a form: the submission is a run all the same, and only one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.pages.form import FormPages
from assurance.processes.test_served import Served, answers, start
from dashboard.form.page import rendered
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL
from tests.workspaces import init

pytestmark = pytest.mark.slow

_CONTENT = os.urandom(3_000_000)
_WORKFLOW: dict[str, Any] = {
    "schema_version": 1,
    "inputs": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "photo": {"type": ["object", "null"], "default": None}},
    },
    "triggers": [
        {
            "id": "form",
            "uses": "form.submitted",
            "with": {
                "title": "Contact",
                "fields": [
                    {"name": "name", "label": "Name"},
                    {"name": "photo", "label": "Photo", "type": "file"},
                ],
            },
            "inputs": {"name": "{{ item.values.name }}", "photo": "{{ item.values.photo }}"},
        }
    ],
    "steps": [{"id": "note", "uses": "flow.set", "with": {"values": {"name": "{{ inputs.name }}"}}}],
    "outputs": {"name": "{{ steps.note.output.name }}"},
}


def served(root: Path, log: Path) -> Served:
    server = start(root, log)
    ends_at = time.monotonic() + 90
    while not answers(server):
        assert server.process.poll() is None, log.read_text()
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    return server


def test_what_was_thanked_for_is_one_run_whatever_dies(tmp_path: Path) -> None:
    kill_after_thanks(tmp_path, 1)


def kill_after_thanks(tmp_path: Path, kills: int) -> None:
    """Send a form to servers that are killed right after; judge the runs, then send everything again, and judge."""
    root = tmp_path / "workspace"
    init(root)
    (root / "workflows" / "contact.json").write_text(json.dumps(_WORKFLOW))
    with closing(Orchestra.open(root)) as orchestra:
        orchestra.triggers.turn_on(LOCAL, "contact", "form")
        path = orchestra.forms.get(LOCAL, "contact", "form").url
        path = path[path.index("/forms/") :]
    sent: list[dict[str, Any]] = []
    for number in range(kills):
        server = served(root, tmp_path / f"{number}.log")
        with httpx.Client(base_url=server.base, timeout=60) as client:
            found = re.search(r'name="page" value="([^"]+)"', client.get(path).text)
            assert found is not None
            data = {"page": found[1], "field-name": f"Ann {number}"}
            sent.append({"data": data, "files": {"field-photo": ("a.bin", _CONTENT)}})
            assert client.post(path, **sent[-1]).status_code == 200
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with closing(Orchestra.open(root)) as orchestra:
        _judge(orchestra, kills)
        with TestClient(Starlette(routes=FormPages(lambda: orchestra, rendered).routes())) as client:
            assert [client.post(path, **one).status_code for one in sent] == [200] * kills
        _judge(orchestra, kills)


def _judge(orchestra: Orchestra, kills: int) -> None:
    """Poll, and require one good run for each submission."""
    orchestra.triggers.poll(LOCAL)
    runs = [orchestra.runs.wait(LOCAL, row.run_id, 30) for row in orchestra.runs.list(LOCAL).rows]
    assert sorted(run["inputs"]["name"] for run in runs if run) == [f"Ann {number}" for number in range(kills)]
    digest = hashlib.sha256(_CONTENT).hexdigest()
    assert {run["inputs"]["photo"]["$file"].rpartition("/")[2] for run in runs if run} == {digest}
    assert {run["status"] for run in runs if run} == {"succeeded"}
