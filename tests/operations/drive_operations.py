"""How each step type of drives is run in the fault matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.errors import BadAnswer, ServiceError
from tests.operations.world import Operation, World

_GOES_ON: Mapping[str, type[ServiceError] | None] = {
    "cut before the effect": None,
    "cut after the effect": None,
    "drip": BadAnswer,
}
"""A download goes on where the connection broke; a file of another size is no answer to wait for."""


def _upload(world: World) -> Mapping[str, Any]:
    return {"file": world.file(b"Total: 49.00", "may.pdf", "application/pdf"), "folder": "Invoices"}


OPERATIONS = {
    "drive.list": Operation(lambda _: {"folder": "Invoices"}),
    "drive.search": Operation(lambda _: {"words": "report", "folder": "Reports"}),
    "drive.download": Operation(lambda _: {"file": "Welcome.txt"}, differs=_GOES_ON),
    "drive.upload": Operation(_upload, match="PUT /Invoices/may.pdf"),
}
