"""Services that repeat their credentials: nothing of that is in logs, state, output or what the doctor says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import Orchestra
from tests.clients.conftest import scripted, start_scripted
from tests.clients.test_canaries import CANARY, SPELLINGS, telling

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

__all__ = ["scripted", "start_scripted"]

STEPS: dict[str, dict[str, Any]] = {
    "notion": {"uses": "notion.search", "with": {"words": "x"}},
    "github": {"uses": "github.list_issues", "with": {"repository": "a/b"}},
    "gmail": {"uses": "gmail.search_messages", "with": {"query": "x"}},
    "llm": {"uses": "llm.list_models", "with": {}},
    "http": {"uses": "http.request", "with": {"url": "{{ inputs.url }}"}},
}
SPELLED = ["as it is", "over two lines", "over lines of JSON", "base64 after a user", "in an address"]
CONFIG = """
connections:
  notion: {{service: notion, token: env:CANARY, base_url: {url}}}
  github: {{service: github, token: env:CANARY, base_url: {url}}}
  gmail: {{service: gmail, token: env:CANARY, base_url: {url}}}
  llm: {{service: openai, api_key: env:CANARY, base_url: {url}, model: m}}
  http: {{service: http, token: env:CANARY, allow_hosts: ["{host}"]}}
"""


def _found(root: Path, spelled: str) -> list[str]:
    """Where something of a workspace holds a spelling of the canary, or the canary over lines."""
    places = [path for folder in ("logs", ".orchestra") for path in (root / folder).rglob("*") if path.is_file()]
    found = []
    for path in places:
        content = path.read_bytes()
        letters = b"".join(content.replace(b"\\n", b"").replace(b"\\r", b"").split())
        if spelled.encode() in content or json.dumps(spelled)[1:-1].encode() in content or CANARY.encode() in letters:
            found.append(str(path.relative_to(root)))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "spellings"),
    [
        (200, ["as it is", "base64 after a user"]),
        (302, ["in an address"]),
        (401, ["over two lines"]),
        (500, ["over lines of JSON"]),
        *(pytest.param(status, SPELLED, marks=pytest.mark.chaos) for status in (200, 302, 401, 500)),
    ],
)
def test_what_services_repeat_is_written_nowhere(
    orchestra: Orchestra,
    workspace: Path,
    scripted: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    spellings: list[str],
) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    (workspace / "config.yaml").write_text(CONFIG.format(url=scripted.url, host=scripted.url.removeprefix("http://")))
    inputs = {"type": "object", "properties": {"url": {"type": "string", "default": scripted.url}}}
    for name, step in STEPS.items():
        one = {"id": "ask", "connection": name, "retry": {"attempts": 1}, **step}
        workflow = {"schema_version": 1, "title": name, "inputs": inputs, "steps": [one]}
        (workspace / "workflows" / f"{name}.json").write_text(json.dumps(workflow))
    for spelling in spellings:
        spelled = SPELLINGS[spelling](CANARY)
        in_header = "".join(spelled.split())
        scripted.answers[:] = []
        scripted.then(status, telling(spelled), location=f"/{in_header}", x_echo=in_header, retry_after="0")
        for name in STEPS:
            seen = len(scripted.seen)
            done = orchestra("run", name, "--json", "--yes")
            assert len(scripted.seen) > seen, (name, done)
            assert spelled not in done.out + done.err
            assert CANARY not in "".join((done.out + done.err).replace("\\n", "").split())
        said = orchestra("connections", "check", "notion", "--json")
        assert spelled not in said.out + said.err
        assert _found(workspace, spelled) == []
