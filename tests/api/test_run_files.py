"""The files of a run over HTTP: what its document names and nothing else, to be saved and never shown."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL
from tests.engine.conftest import set_step, write_workflow

TEXT = "It is long. " * 30_000
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()
NAME = 'a\r\nSet-Cookie: "x"; ../é\u202e.html'


def ended(orchestra: Orchestra, value: Any) -> Any:
    """A run that gives a value."""
    root = orchestra.workspace.root
    write_workflow(root, "gives", [set_step("given", {"value": value})], outputs={"size": "{{ 1 }}"})
    return orchestra.runs.wait(LOCAL, orchestra.runs.start(LOCAL, "gives", {}), 60)


@pytest.fixture
def run_id(orchestra: Orchestra) -> str:
    """A run with a text that lies in a file."""
    run = ended(orchestra, TEXT)
    assert run["steps"][0]["output"]["value"]["$file"].endswith(DIGEST)
    return str(run["run_id"])


def test_a_file_that_the_document_names_is_given_to_be_saved(browser: TestClient, run_id: str) -> None:
    answer = browser.get(f"/api/runs/{run_id}/files/{DIGEST}")
    assert (answer.status_code, answer.text) == (200, TEXT)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''value.txt"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")


def test_a_file_that_only_a_large_value_names_is_given_too(
    orchestra: Orchestra, browser: TestClient, run_id: str
) -> None:
    named = {"$file": f"{run_id}.files/{DIGEST}", "name": "a.txt", "bytes": len(TEXT), "media_type": "text/plain"}
    rows = [*[{"text": "x" * 1_000}] * 300, {"attached": [named, {"deep": named}]}]
    run = ended(orchestra, {"rows": rows})
    assert DIGEST not in json.dumps([run["steps"], run["inputs"], run["outputs"]])
    shown = orchestra.runs.files(LOCAL, run["run_id"], run["steps"][0]["output"])
    assert [(file.name, digest == DIGEST) for digest, file in shown.items()] == [("value.json", False), ("a.txt", True)]
    answer = browser.get(f"/api/runs/{run['run_id']}/files/{DIGEST}")
    assert (answer.status_code, answer.text) == (200, TEXT)


def test_a_name_and_a_type_from_outside_stay_words(orchestra: Orchestra, browser: TestClient, run_id: str) -> None:
    named = {"$file": f"{run_id}.files/{DIGEST}", "name": NAME, "bytes": 9, "media_type": "text/html\r\nX: y"}
    answer = browser.get(f"/api/runs/{ended(orchestra, named)['run_id']}/files/{DIGEST}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")
    said = answer.headers["content-disposition"].removeprefix("attachment; filename*=UTF-8''")
    assert said.isascii()
    assert not any(sign in said for sign in '\r\n";/ ')
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("digest", ["0" * 64, "%2e%2e%2f", f"{DIGEST}x", DIGEST[:12], DIGEST.upper()])
def test_what_the_document_does_not_name_is_not_there(browser: TestClient, run_id: str, digest: str) -> None:
    assert browser.get(f"/api/runs/{run_id}/files/{digest}").status_code == 404


def test_a_file_beside_it_that_the_document_does_not_name_stays_shut(
    orchestra: Orchestra, browser: TestClient, run_id: str
) -> None:
    (folder,) = orchestra.workspace.logs.glob(f"*/{run_id}.files")
    other = hashlib.sha256(b"other").hexdigest()
    (folder / other).write_bytes(b"other")
    assert browser.get(f"/api/runs/{run_id}/files/{other}").status_code == 404


@pytest.mark.parametrize("place", ["../config.yaml", "x.files/../../config.yaml", "/etc/passwd", f"x/{DIGEST}", ""])
def test_data_that_only_looks_like_a_file_opens_nothing(orchestra: Orchestra, browser: TestClient, place: str) -> None:
    run = ended(orchestra, {"$file": place, "name": "n", "bytes": 1, "media_type": "text/plain"})
    digest = place.rpartition("/")[2] or "0"
    assert browser.get(f"/api/runs/{run['run_id']}/files/{digest}").status_code in (404, 422)


def test_a_file_that_was_changed_or_is_gone_is_told(orchestra: Orchestra, browser: TestClient, run_id: str) -> None:
    (path,) = orchestra.workspace.logs.glob(f"*/{run_id}.files/{DIGEST}")
    path.write_text("forged")
    changed = browser.get(f"/api/runs/{run_id}/files/{DIGEST}")
    assert (changed.status_code, "was changed" in json.loads(changed.text)["error"]["message"]) == (422, True)
    path.unlink()
    gone = browser.get(f"/api/runs/{run_id}/files/{DIGEST}")
    assert (gone.status_code, "is gone" in gone.json()["error"]["message"]) == (422, True)
