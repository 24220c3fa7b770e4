"""Damaged files at start: the engine starts, the damaged one is named with line and column, all else works."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from assurance.faults.damage import WHOLE, Damage, cuts, damaged, flips, replaced
from engine.base.errors import DamagedState, InvalidFile, InvalidInput, OrchestraError
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

OWNER = Principal("tester", "owner", confirmed=True)
CUTS, FLIPS = 5, 5
"""How many of each a file gets in every check; assurance/faults/chaos.py takes 200 and 1,000."""
_START_SECONDS = 5.0
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Place:
    """A workspace with one file of each kind, and a run that has ended."""

    root: Path
    run_id: str = ""

    def path(self, kind: str) -> Path:
        """Return where the file of a kind lies."""
        day = self.root / "logs" / f"{self.run_id[:4]}-{self.run_id[4:6]}-{self.run_id[6:8]}"
        return {
            "workflow": self.root / "workflows" / "work.json",
            "layout": self.root / "workflows" / "work.layout.json",
            "prompt": self.root / "prompts" / "classify-mail.json",
            "version": self.root / "prompts" / "classify-mail.versions" / "1.json",
            "config.yaml": self.root / "config.yaml",
            ".env": self.root / ".env",
            "log": day / f"{self.run_id}.json",
            "value": next(iter((day / f"{self.run_id}.files").glob("*")), day),
            "renamed.jsonl": self.root / "logs" / "renamed.jsonl",
            "state.db": self.root / ".orchestra" / "state.db",
        }[kind]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The workspace before anything is damaged."""
    place = Place(tmp_path_factory.mktemp("damage") / "workspace")
    shutil.copytree(REPOSITORY / "prompts", place.root / "prompts")
    (place.root / "workflows").mkdir()
    (place.root / "logs").mkdir()
    (place.root / "config.yaml").write_text("time_zone: Europe/Berlin\nlanguage: en\nconnections: {}\n")
    (place.root / ".env").write_text("FIRST=one\nSECOND='two words'\n")
    for name in ("good", "work", "old"):
        _write_workflow(place.root / "workflows" / f"{name}.json")
    (place.root / "workflows" / "work.layout.json").write_text('{\n  "nodes": {"a": {"x": 1, "y": 2}}\n}\n')
    orchestra = Orchestra.open(place.root)
    place.run_id = orchestra.runs.start(OWNER, "work", {"text": "x" * 300_000})
    assert orchestra.runs.wait(OWNER, place.run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    orchestra.workflows.rename_step(OWNER, "old", "b", "c")
    orchestra.close()
    return place


def _write_workflow(path: Path) -> None:
    steps = [
        {"id": "a", "uses": "flow.set", "with": {"values": {"text": "{{ inputs.text }}!"}}},
        {"id": "b", "if": "{{ steps.a.status == 'succeeded' }}", "uses": "flow.set", "with": {"values": {"n": 1}}},
    ]
    inputs = {"type": "object", "properties": {"text": {"type": "string", "default": ""}}}
    document = {"schema_version": 1, "title": "Wörk", "inputs": inputs, "steps": steps}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


@pytest.fixture
def place(whole: Place, tmp_path: Path) -> Place:
    """A copy to damage."""
    shutil.copytree(whole.root, tmp_path / "workspace")
    return Place(tmp_path / "workspace", whole.run_id)


# --- what may be said of a damaged file, and by whom


def _ask(orchestra: Orchestra, place: Place) -> dict[str, Callable[[], object]]:
    """Return what uses the file of each kind."""
    return {
        "workflow": lambda: orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS),
        "layout": lambda: orchestra.workflows.get(OWNER, "work"),
        "prompt": lambda: orchestra.prompts.get(OWNER, "classify-mail"),
        "version": lambda: orchestra.prompts.get(OWNER, "classify-mail", 1),
        "log": lambda: orchestra.runs.get(OWNER, place.run_id),
        "value": lambda: orchestra.runs.get(OWNER, place.run_id),
        "renamed.jsonl": lambda: orchestra.runs.reindex(OWNER),
        "state.db": lambda: orchestra.runs.get(OWNER, place.run_id),
    }


def _check_named(error: OrchestraError, path: Path) -> None:
    """The error names the file; where it is one of text, with line and column."""
    told = f"{error.message} {error.remedy}"
    assert path.stem.split(".")[0] in told, told
    assert error.remedy, told
    for problem in getattr(error, "problems", []):
        assert problem.line >= 1, told
        assert problem.column >= 1, told


def _check_the_rest(orchestra: Orchestra, place: Place) -> None:
    """Lists are there, and another workflow runs."""
    assert {"good", "work", "old"} >= {one.name for one in orchestra.workflows.list(OWNER)} >= {"good", "old"}
    assert "draft-reply" in {one.name for one in orchestra.prompts.list(OWNER)}
    assert [row.run_id for row in orchestra.runs.list(OWNER, text=place.run_id).rows] == [place.run_id]
    assert len(orchestra.runs.list(OWNER).rows) > 0
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "good", {}), PATIENCE_SECONDS)
    assert run["status"] == "succeeded"


def _summary_of(orchestra: Orchestra, kind: str) -> int:
    """Return how many problems the list shows for the damaged workflow or prompt, -1 where it is not listed."""
    listed = orchestra.workflows.list(OWNER) if kind == "workflow" else orchestra.prompts.list(OWNER)
    name = "work" if kind == "workflow" else "classify-mail"
    return next((one.problems for one in listed if one.name == name), -1)


def damages(path: Path, cut: int, flip: int) -> list[Damage]:
    """Return all that is done to a file."""
    size = path.stat().st_size
    return [*WHOLE, *cuts(size, cut), *flips(size, flip)]


def survive(place: Place, kind: str, damage: Damage) -> bool:
    """Open a workspace with a damaged file and use all of it; tell whether somebody heard of the damage."""
    path = place.path(kind)
    began = time.process_time()
    with damaged(path, damage):
        orchestra = Orchestra.open(place.root)
        try:
            assert time.process_time() - began < _START_SECONDS
            _check_the_rest(orchestra, place)
            has_problems = kind in ("workflow", "prompt") and _summary_of(orchestra, kind) > 0
            try:
                answer = _ask(orchestra, place)[kind]()
            except (InvalidFile, InvalidInput) as error:
                if not error.remedy.startswith("Its inputs are"):  # the file is valid, and now asks for something
                    _check_named(error, path)
                return True
            return has_problems or bool(getattr(answer, "problems", None))
        finally:
            orchestra.close()


@pytest.mark.parametrize("kind", ["workflow", "layout", "prompt", "version", "log", "value", "renamed.jsonl"])
def test_a_damaged_file_stops_nothing_else(place: Place, kind: str) -> None:
    heard = {damage.name: survive(place, kind, damage) for damage in damages(place.path(kind), CUTS, FLIPS)}
    if kind in ("workflow", "prompt", "version", "log"):
        missed = [damage.name for damage in WHOLE if not heard[damage.name]]
        assert not missed, "nobody heard of these"
        assert sum(heard.values()) > len(heard) / 2


@pytest.mark.parametrize("kind", ["config.yaml", ".env"])
def test_a_damaged_setting_is_told_with_its_line(place: Place, kind: str) -> None:
    path = place.path(kind)
    refused = 0
    for damage in damages(path, CUTS, FLIPS):
        with damaged(path, damage):
            try:
                orchestra = Orchestra.open(place.root)
            except OrchestraError as error:
                refused += 1
                _check_named(error, path)
                continue
            try:
                _check_the_rest(orchestra, place)
            finally:
                orchestra.close()
    assert refused > 5


def survive_damaged_state(place: Place, damage: Damage) -> bool:
    """Open a workspace whose state file is damaged; where that is refused, do as the refusal says."""
    path = place.path("state.db")
    damage.do(path, path.read_bytes())
    try:
        _use(place)
    except DamagedState as error:
        assert "orchestra reindex" in error.remedy  # noqa: PT017 - not every damage is seen
    else:
        return False
    Orchestra.set_aside_damaged_state(place.root)
    _use(place)
    return True


def _use(place: Place) -> None:
    orchestra = Orchestra.open(place.root)
    try:
        _check_the_rest(orchestra, place)
        assert orchestra.runs.get(OWNER, place.run_id)["status"] == "succeeded"
    finally:
        orchestra.close()


@pytest.fixture
def copies(whole: Place, tmp_path: Path) -> Callable[[str], Place]:
    """Make copies of the workspace, since damage to the state stays."""

    def copy(name: str) -> Place:
        shutil.copytree(whole.root, tmp_path / name)
        return Place(tmp_path / name, whole.run_id)

    return copy


STATE = [
    *[damage for damage in WHOLE if damage.name in ("not UTF-8", "empty", "NUL", "null", "10 MB of spaces")],
    *cuts(200_000, 12),
    replaced(b"tabledebuggingdebugging", b"tabledEbuggingdebugging"),  # the name of a table: SQLite ignores its case
    replaced(b"tabledebuggingdebugging", b"tAbledebuggingdebugging"),  # and that of what it is
]


@pytest.mark.parametrize("damage", [pytest.param(damage, id=damage.name) for damage in STATE])
def test_a_damaged_state_is_made_anew_as_it_is_said(copies: Callable[[str], Place], damage: Damage) -> None:
    survive_damaged_state(copies("state"), damage)
