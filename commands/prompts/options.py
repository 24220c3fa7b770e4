"""Options of several commands that ask a model with a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(metavar="NAME", help="The prompt.")]
Reference = Annotated[
    str, typer.Argument(metavar="NAME[@LABEL]", help="The prompt, as named in a step: NAME@staging, NAME@7.")
]
Pairs = Annotated[
    list[str] | None,
    typer.Option("--input", "--variable", metavar="NAME=VALUE", help="A variable; may be repeated."),
]
File = Annotated[
    str | None,
    typer.Option("--inputs", "--variables", metavar="FILE", help="A JSON object; `-` reads standard input."),
]
Sample = Annotated[str, typer.Option(help="Use the values of this sample of the prompt.")]
RunId = Annotated[str, typer.Option(metavar="ID", help="With --step: use the values of a step of this run.")]
StepPath = Annotated[str, typer.Option(metavar="PATH", help="The step, such as each_mail[3].classify.")]
Connection = Annotated[str, typer.Option(help="The connection to ask, if there are several of models.")]
Model = Annotated[str, typer.Option(help="The model to ask; default: as a step would.")]
Offline = Annotated[bool, typer.Option("--offline", help="Ask nothing: use recorded answers only.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Ask again, even if an answer is recorded.")]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the result as JUnit XML.")]
