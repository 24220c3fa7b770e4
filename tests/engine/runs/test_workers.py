"""A process is drained only if it takes runs of others; any other one would look as if it did, and go on."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from engine.base.errors import InvalidInput, UnknownName
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER


def test_a_process_that_takes_no_runs_of_others_is_not_drained(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORCHESTRA_STATE", raising=False)
    with closing(Orchestra.open(root, serve=True)) as server:
        with pytest.raises(InvalidInput, match="takes no runs but its own") as refused:
            server.workers.drain(OWNER, server.own_process)
        assert "SIGTERM" in refused.value.remedy
        assert [one.state for one in server.workers.list(OWNER)] == ["working"]
        with pytest.raises(UnknownName):
            server.workers.drain(OWNER, "worker-1-00000000")
