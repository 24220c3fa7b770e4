"""Mails of a run that were not delivered are told on every face, with their words as they came."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from engine.store.bounces import BouncedMail
from tests.faces.conftest import LOCAL, Faces, Open
from tests.patience import until

WORDS = "550 5.1.1 <b>user</b> [unknown](https://evil.example)"


@pytest.fixture
def bounced(make_faces: Callable[[], Faces]) -> tuple[Faces, str]:
    """A run with five recipients whom a mail did not reach."""
    faces = make_faces()
    run_id = faces.orchestra.runs.start(LOCAL, "small", {})
    until(lambda: faces.request("GET", f"/api/runs/{run_id}").value["ended_at"] is not None)
    at = "2026-11-30T08:00:00Z"
    faces.orchestra._families.opened.state.bounces.note(
        [
            BouncedMail(run_id, "one", f"ann{number}@example.org", "failed", "5.1.1", WORDS, "mail", "m1", at)
            for number in range(5)
        ]
    )
    return faces, run_id


def test_every_face_tells_whom_mails_did_not_reach(bounced: tuple[Faces, str]) -> None:
    faces, run_id = bounced
    told = faces.request("GET", f"/api/runs/{run_id}/bounces").value["bounces"]
    assert [one["recipient"] for one in told] == [f"ann{number}@example.org" for number in range(5)]
    assert told[0]["sentence"] == f"Could not be delivered to ann0@example.org: {WORDS}"

    def look(open_page: Open) -> AppTest:
        return open_page("run", id=run_id)

    page = faces.page(look).value
    [warning] = [one.value for one in page.warning]
    shown = warning.replace("\\", "").replace("\u2060", "").replace(":color[]", "")
    assert f"Could not be delivered to ann0@example.org: {WORDS}" in shown
    assert "And 2 more recipients" in shown
    assert "](https://evil.example)" not in warning  # no link of a stranger
    assert faces.request("GET", "/api/runs/20261120T120000Z-k7hd2mqa/bounces").error == "UnknownName"
