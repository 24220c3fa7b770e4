"""The workflows on the page about documents run as they are written."""

from __future__ import annotations

import json

import pytest

from engine.orchestra import Orchestra
from tests.docs.pages import blocks, run
from tests.engine.sandbox import documents

OF_FILES = [block for block in blocks("docs/documents.md", "json") if '"file.' in block and '"rag.' not in block]


@pytest.mark.parametrize("number", range(len(OF_FILES)))
def test_every_workflow_runs(orchestra: Orchestra, number: int) -> None:
    root = orchestra.workspace.root
    (root / "inbox").mkdir()
    (root / "inbox" / "orders.xlsx").write_bytes(documents.xlsx())
    (root / "inbox" / "report.pdf").write_bytes(documents.pdf(documents.written("The whole report")))
    document = run(orchestra, "example", OF_FILES[number])
    assert document["status"] == "succeeded", document["error"]
    if number == 0:
        written = json.loads((root / "files" / "demo" / "orders.json").read_text())
        assert written == [documents.OBJECTS]
    else:
        assert document["outputs"] == {"text": "The whole report"}
