"""Settings of config.yaml are changed on every face, and everything else in the file stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from engine.base.errors import NotAllowed
from engine.people.access import Principal
from tests.faces.conftest import Faces, Open

OWNER = Principal("owner", "owner")


def test_every_face_changes_settings_and_what_else_is_in_the_file_stays(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    config = faces.orchestra.workspace.root / "config.yaml"
    before = config.read_text(encoding="utf-8")

    def press(go: Open) -> AppTest:
        at = go("settings")
        [when] = [one for one in at.selectbox if (one.key or "").endswith("-failed-runs")]
        when.set_value("08:00")
        [sign_ins] = [one for one in at.checkbox if (one.key or "").endswith("-sign-ins")]
        sign_ins.set_value(True)
        [days] = [one for one in at.number_input if (one.key or "").endswith("-days")]
        days.set_value(90)
        return at.button(key="save-settings").click().run()

    assert faces.command(["settings", "set", "time_zone=Europe/Berlin", "notifications.workflow=small"]).error == ""
    assert faces.page(press).error == ""
    wanted = {
        "time_zone": "Europe/Berlin",
        "retention": {"days": 90},
        "notifications": {"workflow": "small", "failed_runs": "08:00", "sign_ins": True, "refused_sign_ins": 9},
        "approvals": {"notify": "http://127.0.0.1:9/hook"},
    }
    assert faces.request("PUT", "/api/settings", wanted).error == ""
    assert faces.command(["settings", "show"]).value == faces.orchestra.general.get(OWNER) == wanted
    assert faces.request("GET", "/api/settings").value["retention"]["days"] == 90
    assert set(before.splitlines()) - set(config.read_text(encoding="utf-8").splitlines()) == {
        one for one in before.splitlines() if one.startswith("time_zone:")
    }
    for wrong, place in (
        ({"time_zone": "Mars"}, "time_zone"),
        ({"retention": {"days": 0}}, "retention.days"),
        ({"retention": {"days": True}}, "not true"),
        ({"retention": {"days": "5"}}, "not '5'"),
        ({"approvals": {"notify": "no-such"}}, "no-such"),
        ({"approvals": {"default": "never"}}, "approvals.default"),
        ({"notifications": {"workflow": "small", "failed_runs": "daily"}}, "notifications.failed_runs"),
        ({"notifications": {"failed_runs": "6h"}}, "failed_runs"),
        ({"notifications": {"sign_ins": True}}, "sign_ins"),
        ({"notifications": {"webhook": "http://example.org/x"}}, "clear text"),
    ):
        assert place in faces.request("PUT", "/api/settings", wrong).message
    assert "refused_sign_ins" in faces.command(["settings", "set", "notifications.refused_sign_ins=few"]).message
    assert "sign_ins" in faces.command(["settings", "set", "notifications.sign_ins=maybe"]).message
    changed = ["notifications.sign_ins=true", "notifications.refused_sign_ins=9"]
    assert faces.command(["settings", "set", *changed]).error == ""
    assert "changes no setting" in faces.command(["settings", "set", "server.host=0.0.0.0"]).message
    assert "a whole number, not '999" in faces.command(["settings", "set", f"retention.days={'9' * 5_000}"]).message
    assert faces.orchestra.general.get(OWNER) == wanted
    hook = {"notifications": {"webhook": "https://example.org/hook"}}
    assert faces.request("PUT", "/api/settings", hook).error == ""
    assert faces.request("PUT", "/api/settings", {}).error == ""
    assert faces.orchestra.general.get(OWNER) == {}
    with pytest.raises(NotAllowed):
        faces.orchestra.general.get(Principal("ed", "editor"))
    lines = [one for one in faces.orchestra.audit(OWNER, limit=100) if one.action == "settings.set"]
    assert len(lines) == 6
    assert "/hook" not in str(lines)
