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

from engine.orchestra import Orchestra
from engine.workflows.new_workspace import init
from tests.api.conftest import LOCAL
from tests.api.test_served import Served, answers, start

pytestmark = pytest.mark.slow

_KILLS = 3
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


def kill(server: Served) -> None:
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()


def test_what_was_thanked_for_is_one_run_whatever_dies(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    init(root)
    (root / "workflows" / "contact.json").write_text(json.dumps(_WORKFLOW))
    with closing(Orchestra.open(root)) as orchestra:
        orchestra.triggers.turn_on(LOCAL, "contact", "form")
        path = orchestra.forms.get(LOCAL, "contact", "form").url
        path = path[path.index("/forms/") :]
    sent = []
    for number in range(_KILLS):
        server = served(root, tmp_path / f"{number}.log")
        url = server.base + path
        found = re.search(r'name="page" value="([^"]+)"', httpx.get(url).text)
        assert found is not None
        request: dict[str, Any] = {
            "data": {"page": found[1], "field-name": f"Ann {number}"},
            "files": {"field-photo": ("a.bin", _CONTENT)},
        }
        assert httpx.post(url, **request, timeout=60).status_code == 200
        kill(server)
        sent.append(request)
    server = served(root, tmp_path / "last.log")
    assert [httpx.post(server.base + path, **one, timeout=60).status_code for one in sent] == [200] * _KILLS
    time.sleep(15)  # a poll after the second time
    kill(server)
    with closing(Orchestra.open(root, serve=True)) as orchestra:
        runs = [orchestra.runs.wait(LOCAL, row.run_id, 30) for row in orchestra.runs.list(LOCAL).rows]
    assert sorted(run["inputs"]["name"] for run in runs if run) == [f"Ann {number}" for number in range(_KILLS)]
    digest = hashlib.sha256(_CONTENT).hexdigest()
    assert {run["inputs"]["photo"]["$file"].rpartition("/")[2] for run in runs if run} == {digest}
    assert {run["status"] for run in runs if run} == {"succeeded"}
