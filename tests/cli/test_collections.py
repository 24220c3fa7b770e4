"""`orchestra collections`: where nothing is found, what the demo has is named."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Orchestra


def test_collections_of_the_demo_are_named_where_there_are_no_others(orchestra: Orchestra, workspace: Path) -> None:
    fields = {"collection": "langs", "documents": [{"id": "a", "text": "Python"}]}
    steps = [{"id": "it", "uses": "rag.index", "with": fields}]
    (workspace / "workflows" / "fill.json").write_text(json.dumps({"schema_version": 1, "title": "F", "steps": steps}))
    assert "The demo has" not in orchestra("collections", "list").out
    assert orchestra("run", "fill", "--demo", "--yes").code == 0
    assert "The demo has 1: langs. `--demo` shows them." in orchestra("collections", "list").out
    assert "`--demo`" in orchestra("collections", "search", "langs", "Python").err
