"""The power goes in the middle of an undo, again and again: the next one goes on, and nothing is done twice."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assurance.kill.harness import Setting
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow

CHILD = "assurance.kill.undo_child"
STAGES = {
    "POST /repos/acme/app/issues": "notes",
    "PATCH /repos/acme/app/issues": "closed",
    "PATCH /v1/pages": "pages",
    "/modify": "labels",
}
"""What a fault switch matches, and what a person sees change when it has happened."""


@pytest.mark.chaos
def test_killed_after_each_kind_of_effect_an_undo_goes_on_and_does_nothing_twice(tmp_path: Path) -> None:
    with closing(Setting(tmp_path / "workspace", latency="0:0")) as place:
        before = counted(place)
        assert place.finish("run") == "succeeded"
        run_id = next(place.root.glob("logs/*/*.json")).stem
        after_run = counted(place)
        written = Counter({"closed": after_run["open"] - before["open"], "pages": after_run["pages"]})
        assert min(written.values()) > 1
        for match in STAGES:
            place.delay_answers(match, PATIENCE_SECONDS)
        to_come = set(STAGES.values())
        while to_come:
            to_come -= killed_after(place, run_id, to_come)
        done, left = finished(place, run_id)
        assert left > 0, "the killed ones had written down what they had undone"
        now = counted(place)
        assert now["open"] == before["open"]
        assert now["closed"] == now["notes"] == written["closed"], "one note for each issue, none twice"
        assert (now["pages"], now["labels"]) == (0, 0)
        assert finished(place, run_id) == (0, done + left)
        assert counted(place) == now


def counted(place: Setting) -> Counter[str]:
    """What a person would count in the three services."""
    return Counter({**in_github(place), **in_notion(place), **in_gmail(place)})


def in_github(place: Setting) -> dict[str, int]:
    shown = place.held("github")
    issues = [(issue["state"], issue["state_reason"]) for issue in shown["issues"]]
    return {
        "open": sum(state == "open" for state, _ in issues),
        "closed": sum(reason == "not_planned" for _, reason in issues),
        "notes": sum("that was undone" in comment["body"] for comment in shown["comments"]),
    }


def in_notion(place: Setting) -> dict[str, int]:
    return {"pages": sum(bool(key_of(page)) for page in place.held("notion")["pages"])}


def in_gmail(place: Setting) -> dict[str, int]:
    shown = place.held("gmail")
    names = {label["id"]: label["name"] for label in shown["labels"]}
    labels = [names[label] for mail in shown["messages"] for label in mail.get("labelIds", [])]
    return {"labels": sum(label in ("triaged", "needs a look") for label in labels)}


def key_of(page: dict[str, Any]) -> list[Any]:
    found: list[Any] = page["properties"].get("Orchestra key", {}).get("rich_text") or []
    return found


def killed_after(place: Setting, run_id: str, kinds: set[str]) -> set[str]:
    """Undo, and kill -9 once the first of these kinds has happened and its answer is held back; return which it was.

    Writes are undone in the reverse of the order in which they were made, which is another one in each run.
    """
    then = counted(place)

    def changed() -> set[str]:
        now = counted(place)
        return {kind for kind in kinds if now[kind] != then[kind]}

    process = place.start(run_id, module=CHILD)
    found = until(lambda: changed() or process.poll() is not None, f"a change of {kinds}")
    assert not isinstance(found, bool), f"it ended before it did anything to {kinds}"
    process.kill()
    process.communicate()
    return found


def finished(place: Setting, run_id: str) -> tuple[int, int]:
    """Undo to the end; give how many writes were undone, and how many had been before."""
    done, left = place.finish(run_id, module=CHILD).split()
    return int(done), int(left)
