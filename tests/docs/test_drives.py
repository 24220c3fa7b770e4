"""The workflow on the page about drives runs as it is written."""

from __future__ import annotations

from engine.orchestra import Orchestra
from tests.docs.pages import OWNER, blocks, run

PAGE = "docs/service-guides.md"
[WORKFLOW] = [block for block in blocks(PAGE, "json") if "Copy of" in block]


def test_the_workflow_runs_and_its_undo_deletes_the_copy(orchestra: Orchestra) -> None:
    config = orchestra.workspace.root / "config.yaml"
    config.write_text(config.read_text().replace("connections:\n", "connections:\n  files: {service: webdav}\n"))
    document = run(orchestra, "example", WORKFLOW)
    assert document["status"] == "succeeded", document["error"]
    outputs = document["outputs"]
    assert (outputs["count"], outputs["path"]) == (1, "Attachments/Copy of it.txt")
    assert "Total: 49.00 EUR" in outputs["text"]
    again = run(orchestra, "again", WORKFLOW)
    assert again["status"] == "failed"
    assert "There is a file" in again["error"]["message"]
    orchestra.runs.undo(OWNER, document["run_id"])
    assert run(orchestra, "third", WORKFLOW)["status"] == "succeeded"
