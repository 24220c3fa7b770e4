"""The workspace of the evaluation: its prompts are the shipped ones, its cases the questions, its accounts yours."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from engine.base.checkout import CHECKOUT
from engine.base.services import is_model
from engine.connections.stand_ins import LATENCY_VARIABLE
from engine.orchestra import Orchestra
from engine.workflows.new_workspace import init
from engine.workspace.config import load
from evals.mail.questions import Question, case_names, step_prompt

FREE_HERE = {"local": {"input": 0, "output": 0}}
"""What models on this machine cost, unless config.yaml says otherwise."""
_SECRET = "MAIL_EVAL_SECRET_"
MARKER = ".mail-evaluation"
"""The file that says that a workspace is the evaluation's, which may write its settings, prompts and cases anew."""


def connections_of(workspace: Path, names: Sequence[str]) -> dict[str, Any]:
    """Return the settings of connections of a workspace, as the evaluation's config.yaml has them.

    Their secrets are in variables of this process, and in no file. Raises UnknownName, InvalidInput, SecretLost.
    """
    loaded = load(workspace)
    found: dict[str, Any] = {}
    for name in names:
        settings = loaded.settings_of(name)
        for key, written in loaded.config.connections[name].settings.items():
            if isinstance(written, str) and written.startswith(("env:", "secret:")):
                settings[key] = _hidden(str(settings[key]))
        found[name] = {"service": loaded.config.connections[name].service, **settings}
    return found


def models_of(workspace: Path) -> list[str]:
    """Return the connections of models that a workspace has; none where there is no workspace."""
    if not (workspace / "config.yaml").exists():
        return []
    return [name for name, one in load(workspace).config.connections.items() if is_model(one.service)]


def server(url: str, model: str, variable: str) -> dict[str, Any]:
    """Return the settings of a server in the form of OpenAI; `variable` has its key, if it needs one."""
    connection = {"service": "openai", "base_url": url, "model": model}
    return connection | ({"api_key": f"env:{variable}"} if os.environ.get(variable) else {})


def prices_of(workspace: Path) -> dict[str, Any]:
    """Return the prices that the config.yaml of a workspace names."""
    written = yaml.safe_load((workspace / "config.yaml").read_text(encoding="utf-8")) or {}
    return FREE_HERE | (written.get("prices") or {})


def _hidden(secret: str) -> str:
    number = sum(name.startswith(_SECRET) for name in os.environ)
    os.environ[f"{_SECRET}{number}"] = secret
    return f"env:{_SECRET}{number}"


@contextmanager
def opened(
    root: Path, connections: Mapping[str, Any], prices: Any, asked: Sequence[Question], *, longest: int, demo: bool
) -> Iterator[Orchestra]:
    """Make the workspace at `root` anew, but for recorded answers, and open it.

    `longest`: how many tokens an answer may have; 0: as many as the model likes. Raises ValueError if `root` has files
    and is not marked as the evaluation's.
    """
    os.environ.setdefault(LATENCY_VARIABLE, "0")
    _mark(root)
    if not (root / "config.yaml").exists():
        init(root)
    settings = {"connections": dict(connections), "prices": prices, "approvals": {"default": "never"}}
    (root / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    prompts = root / "prompts"
    for name in dict.fromkeys(one.prompt for one in asked):
        _write(prompts / f"{name}.json", _prompt(name, longest))
        for before in prompts.glob(f"{name}.cases/*.json"):
            before.unlink()
    names = case_names(asked)
    for one in asked:
        folder = prompts / f"{one.prompt}.cases"
        folder.mkdir(exist_ok=True)
        case = {"name": one.id, "variables": one.variables, "assertions": [check.assertion for check in one.checks]}
        _write(folder / f"{names[one.id]}.json", case)
    orchestra = Orchestra.open(root, demo=demo)
    try:
        yield orchestra
    finally:
        orchestra.close()


def _mark(root: Path) -> None:
    """Mark the folder as the evaluation's. Raises ValueError if it has files without being marked."""
    marker = root / MARKER
    if not marker.exists():
        if root.exists() and any(root.iterdir()):
            raise ValueError(
                f"{root} is not a workspace of this evaluation, which would overwrite its settings, prompts and cases: "
                f"it has no file {MARKER}. Nothing was changed. Name another folder with --into."
            )
        root.mkdir(parents=True, exist_ok=True)
        marker.write_text("python -m evals.mail writes this workspace anew each time.\n", encoding="utf-8")


def _prompt(name: str, longest: int) -> dict[str, Any]:
    shipped = CHECKOUT / "prompts" / f"{name}.json"
    found = json.loads(shipped.read_text(encoding="utf-8")) if shipped.exists() else step_prompt(name)
    limit = {"max_tokens": longest} if longest else {}
    found.pop("examples", None)  # they would be taken from the questions, with their answers
    return {**found, "parameters": {**found["parameters"], **limit}}


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
