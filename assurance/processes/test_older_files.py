"""A worker whose files are older, or missing, works with the definitions that were accepted elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.base.statuses import RunStatus
from engine.orchestra import Orchestra
from engine.sandbox.walls import walls
from tests import postgres
from tests.conftest import StandIns
from tests.engine.conftest import OWNER, Service, get_step, write_workflow
from tests.few import rare
from tests.patience import PATIENCE_SECONDS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.service,
    pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here"),
]
_PROMPT = {"schema_version": 1, "messages": [{"role": "user", "content": "Sum up: the new edition is here."}]}
_NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
FOLDERS = ("workflows", "prompts", "agents", "tools")


def lay_out(root: Path, service: Service) -> None:
    """Write a workflow with all that it names; each part shows that it is the new edition."""
    write_workflow(root, "inner", [get_step("ask", service.url("/inner-new"))])
    fields = {"method": "GET", "url": service.url("/agent-new")}
    tool = {"name": "read", "uses": "http.request", "connection": "web", "with": fields}
    agent = {"schema_version": 1, "instructions": "Help.", "connection": "llm", "tools": [tool]}
    (root / "agents" / "helper.json").write_text(json.dumps({**agent, "limits": {"turns": 2}}))
    write_tool(root / "tools" / "count", "output = {'n': len('new')}")
    task = 'CALL read {}\nCALL finish {"output": "done"}'
    write_workflow(
        root,
        "work",
        [
            get_step("first", service.url("/work-new")),
            {"id": "inner", "uses": "workflow.run", "with": {"workflow": "inner"}, "needs": ["first"]},
            {"id": "words", "uses": "llm.chat", "connection": "llm", "with": {"prompt": "words"}},
            {"id": "agent", "uses": "agent.run", "with": {"agent": "helper", "task": task, "variables": {}}},
            {"id": "tool", "uses": "tool.count", "with": {"n": 1}},
        ],
        outputs={"words": "{{ steps.words.output.text }}", "n": "{{ steps.tool.output.n }}"},
    )


def write_tool(folder: Path, code: str) -> None:
    """Write a tool with a test that it passes."""
    (folder / "tests").mkdir(parents=True, exist_ok=True)
    document = {"version": "1.0.0", "language": "python", "entry": "main.py", "input": _NUMBER, "output": _NUMBER}
    (folder / "tool.json").write_text(json.dumps(document))
    (folder / "main.py").write_text(code)
    (folder / "tests" / "one.json").write_text(json.dumps({"input": {"n": 1}, "output": {"n": 3}}))


@pytest.fixture
def here(root: Path, service: Service, standins: StandIns, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The workspace folder of a server that works on nothing itself."""
    model = standins["openai"]
    monkeypatch.setenv("MODEL_KEY", model.token)
    monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE", "0")
    config = yaml.safe_load((root / "config.yaml").read_text())
    llm = {"service": "openai", "base_url": model.base_url, "api_key": "env:MODEL_KEY", "model": "big"}
    config["connections"]["llm"] = llm
    (root / "config.yaml").write_text(yaml.safe_dump(config))
    for name in FOLDERS:
        (root / name).mkdir(exist_ok=True)
    lay_out(root, service)
    with postgres.schema() as url:
        monkeypatch.setenv("ORCHESTRA_STATE", url)
        monkeypatch.setenv("ORCHESTRA_LOGS", "postgres")
        yield root


@contextmanager
def working(root: Path) -> Iterator[None]:
    """A worker with the files of another folder."""
    command = [sys.executable, "-m", "cli", "worker", "--concurrency", "5", "--workspace", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            assert "Working on the runs" in worker.stdout.readline()
            yield
        finally:
            worker.kill()


def older(root: Path) -> None:
    """Have an edition that was there before, also of what was saved as a version."""
    for path in (path for name in FOLDERS for path in (root / name).rglob("*.*") if path.is_file()):
        path.write_text(path.read_text().replace("new", "older"))


def missing(root: Path) -> None:
    """Have none of them."""
    for name in FOLDERS:
        shutil.rmtree(root / name)


def broken(root: Path) -> None:
    """Have files that cannot be read."""
    for path in (path for name in FOLDERS for path in (root / name).rglob("*.json")):
        path.write_text("{")


@pytest.mark.parametrize("files", [older, rare(missing), rare(broken)])
def test_what_was_accepted_is_what_a_worker_does(
    here: Path, service: Service, tmp_path: Path, files: Callable[[Path], None]
) -> None:
    there = tmp_path / "there"
    with closing(Orchestra.open(here, serve=True)) as server:
        assert server.tools.test(OWNER, "count").passed
        server.prompts.save_version(OWNER, "words", json.dumps(_PROMPT), None, "production")
        shutil.copytree(here, there, ignore=shutil.ignore_patterns(".orchestra", "logs"))
        files(there)
        run_id = server.runs.start(OWNER, "work", {})
        with working(there):
            document: Any = server.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert document["status"] == RunStatus.SUCCEEDED, document["error"]
    assert dict(service.seen) == {"/work-new": 1, "/inner-new": 1, "/agent-new": 1}
    assert document["outputs"]["n"] == 3
    assert "new edition" in document["outputs"]["words"]
