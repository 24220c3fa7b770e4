"""Whose data a request is about: what runs on demo accounts have left in the workspace, or everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Query

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

Whose = Literal["mine", "demo"] | None
Accounts = Annotated[
    Whose,
    Query(
        description="`demo`: what runs on demo accounts have left; `mine`: everything else. Default: `mine`, but "
        "`demo` if the server runs with --demo."
    ),
]


def is_demo(orchestra: Orchestra, accounts: Whose) -> bool:
    """Return whether a request is about the demo: if it does not say, only where the server has nothing else."""
    return orchestra.connections.is_demo_only if accounts is None else accounts == "demo"
