"""A run that is stopped while it claims a write leaves no claim: what was never sent is no open question."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.base.statuses import Ending
from engine.orchestra import Orchestra
from engine.runner.effects.ledger import Ledger
from engine.store.ledger import IntendedWrite, LedgerRow
from tests.engine.conftest import OWNER, Service, post_step, write_workflow
from tests.patience import PATIENCE_SECONDS


def test_a_write_that_was_cancelled_before_it_was_sent_is_sent_when_the_run_goes_on(
    orchestra: Orchestra, root: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = Ledger.claim
    cancelled: list[str] = []

    async def cancel_meanwhile(self: Ledger, write: IntendedWrite) -> LedgerRow:
        if not cancelled:
            cancelled.append(write.run_id)
            orchestra._families.work.worker._executions[write.run_id].end(Ending.CANCELLED)
        return await claim(self, write)

    monkeypatch.setattr(Ledger, "claim", cancel_meanwhile)
    write_workflow(root, "work", [post_step("w", service.url("/w"))])
    run_id = orchestra.runs.start(OWNER, "work", {})
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "cancelled"
    assert service.seen["/w"] == 0
    orchestra.runs.resume(OWNER, run_id)
    run = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert (run["status"], service.seen["/w"]) == ("succeeded", 1), run["error"]
