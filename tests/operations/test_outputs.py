"""Every operation of every service gives an output of the shape that its step type declares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clients.transport import http_client
from engine.base.plain_values import plain_json
from engine.plugins import registry
from engine.plugins.step import Effect, WaitForMail
from engine.record.run_files import RunFiles, RunFolder
from engine.store.blobs.disk import DiskBlobs
from tests.operations.test_faults import operations_of
from tests.operations.world import World

if TYPE_CHECKING:
    from tests.conftest import StandIns


DECLARED = [name for name in operations_of() if registry.step_type(name).output is not None]
WITH_PAGE = {
    name
    for name in DECLARED
    if name.startswith(("github.", "notion."))
    and name not in {"github.request", "notion.add_comment", "notion.upload_file"}
}


@pytest.mark.parametrize("name", DECLARED)
def test_the_output_has_the_declared_shape(name: str, standins: StandIns, tmp_path: Path) -> None:
    step_type, operation = registry.step_type(name), operations_of()[name]
    with http_client() as http:
        world = World(str(step_type.service), standins, http, plays=operation.plays)
        arguments = operation.arguments(world)
        given = world.run(step_type, arguments)
    if isinstance(given, WaitForMail):
        given = {"answered": False, "mail": None, "waited_until": "2026-12-01T00:00:00Z"}
    output = plain_json(given, RunFiles(RunFolder(DiskBlobs(tmp_path), "20260101T000000Z-abcdefgh")).kept)
    assert step_type.output is not None
    assert step_type.output.model_validate(output).model_dump(mode="json", by_alias=True) == output
    if step_type.effect_of(arguments)[0] is Effect.WRITES:
        receipt = step_type.receipt(output)
        assert receipt.id
        assert receipt.url.startswith("http") or name not in WITH_PAGE
