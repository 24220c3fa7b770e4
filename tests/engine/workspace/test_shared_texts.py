"""Texts that people have not saved yet, or had saved before, on several machines with their state on one server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, cast

import pytest

from engine.base.statuses import RunStatus
from engine.orchestra import Orchestra
from engine.runs.prompt_tries.records import Try
from engine.runs.prompt_tries.store import TRIES, TryStore, Work
from tests import postgres
from tests.engine.conftest import OWNER

TEXT = '{\n  "schema_version": 1,\n  "id": "hello",\n  "steps": []\n}\n'


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Orchestra]]:
    """Two processes with folders of their own."""
    with postgres.schema() as url, ExitStack() as open_:
        monkeypatch.setenv("ORCHESTRA_STATE", url)
        for name in ("a", "b"):
            for folder in ("workflows", "prompts", "logs"):
                (tmp_path / name / folder).mkdir(parents=True)
            (tmp_path / name / "config.yaml").write_text("")
        yield [open_.enter_context(closing(Orchestra.open(tmp_path / name))) for name in ("a", "b")]


def test_drafts_saved_texts_and_tries_of_one_machine_are_those_of_the_other(machines: list[Orchestra]) -> None:
    a, b = machines
    a.drafts.keep(OWNER, "workflow", "hello", "typed on a")
    draft = b.drafts.get(OWNER, "workflow", "hello")
    assert draft is not None
    assert draft.text == "typed on a"

    a.workspace.workflows.save("hello", TEXT, None, "ann")
    (b.workspace.root / "workflows" / "hello.json").write_text(TEXT)  # as git brings it
    b.workspace.workflows.put("hello", TEXT.replace("[]", "[{}]"), "bob")
    kept = a.workspace.workflows.history.versions("hello")
    assert [one.saved_by for one in kept] == ["bob", "ann"]
    assert a.workspace.workflows.history.text("hello", kept[1].id) == TEXT
    assert not (a.workspace.state_dir / "versions").exists()

    a.workspace.workflows.rename("hello", "bye")
    assert [one.saved_by for one in b.workspace.workflows.history.versions("bye")] == ["bob", "ann"]

    one = _try()
    opened = a._families.opened
    tries = TryStore[Try](TRIES, opened.workspace.texts, opened.state.owners, "", opened.clock)
    tries.keep(Work(one, lambda: None))
    assert b.tries.get(OWNER, "answer", one["id"])["started_by"] == "ann"
    assert [found["id"] for found in b.tries.list(OWNER, "answer")] == [one["id"]]


def _try() -> Try:
    usage = {"calls": 0, "input_tokens": 0, "output_tokens": 0, "usd": None}
    members: Any = dict.fromkeys(Try.__annotations__)
    found: Any = members | {
        "id": "20261120T120000Z-abcdefgh", "prompt": "answer", "status": RunStatus.SUCCEEDED, "owner": "",
        "started_by": "ann", "started_at": "2026-11-20T12:00:00Z", "usage": usage,
    }  # fmt: skip
    return cast("Try", found)
