"""Options of several commands about runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from engine.record.types.run import Run

RunId = Annotated[str, typer.Argument(metavar="ID", help="The id of the run.")]
Inputs = Annotated[
    list[str] | None, typer.Option("--input", metavar="NAME=VALUE", help="A value for an input; may be repeated.")
]
File = Annotated[
    str | None, typer.Option("--inputs", metavar="FILE", help="A JSON object of inputs; `-` reads standard input.")
]


def require_demo(run: Run) -> None:
    """Refuse --demo for a run on other accounts: a run keeps the accounts that it began with. Raises InvalidInput."""
    from engine.base.errors import InvalidInput
    from engine.base.statuses import AccountMode

    if any(one["mode"] != AccountMode.DEMO for one in run["accounts"].values()):
        raise InvalidInput(
            f"Run {run['run_id']} uses real accounts, and a run keeps its accounts.",
            remedy="Leave --demo out, or start a new run with it.",
        )
