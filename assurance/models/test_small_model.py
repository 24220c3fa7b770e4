"""A real small model is tuned for: what is found is counted right, asked once, and never applied by itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.prompt_tries.tuned import TuneRequest
from tests.workspaces import init

OWNER = Principal("tester", "owner", confirmed=True)
NAME = "classify-mail"
SHORT = ("automatic-reply", "price-for-schools", "scan-without-words", "thanks")
"""Cases with short mails: a small model reads about 100 tokens a second."""
SHIPPED = Path(__file__).resolve().parents[2] / "prompts"


@pytest.fixture
def root(tmp_path: Path, packages: Path) -> Path:
    """A workspace whose only model is the small one, with few cases and short answers."""
    root = tmp_path / "workspace"
    init(root)
    (root / "config.yaml").write_text("connections:\n  small: {service: local_model}\n")
    folder = root / "prompts" / f"{NAME}.cases"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for case in SHORT:
        shutil.copy(SHIPPED / folder.name / f"{case}.json", folder)
    document: dict[str, Any] = json.loads((SHIPPED / f"{NAME}.json").read_text())
    document["parameters"]["max_tokens"] = 60
    (root / "prompts" / f"{NAME}.json").write_text(json.dumps(document))
    return root


def test_tuning_asks_a_small_model_once_and_changes_nothing(root: Path) -> None:
    before = (root / "prompts" / f"{NAME}.json").read_text()
    orchestra = Orchestra.open(root)
    try:
        tuning, wanted = orchestra.copilot.prompting.tuning, TuneRequest()
        found = tuning.tune(OWNER, NAME, wanted)
        again = tuning.tune(OWNER, NAME, wanted)
    finally:
        orchestra.close()
    titles = [one.title for one in found.variants]
    assert titles[:3] == ["as it is", "2 examples", "short instructions"]
    by_title = {one.title: one for one in found.variants}
    tokens = [by_title[title].tokens for title in ("short instructions", "as it is", "2 examples")]
    assert tokens == sorted(tokens), "what a variant adds or leaves out is really sent"
    most = max(one.passed for one in found.variants)
    assert bool(found.best) == (most > by_title["as it is"].passed), found
    assert bool(found.best) == bool(found.proposal)
    assert (again.asked, again.variants, again.best) == (0, found.variants, found.best)
    assert 0 < found.asked <= len(titles) * len(SHORT)
    assert (root / "prompts" / f"{NAME}.json").read_text() == before
