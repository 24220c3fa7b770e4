"""One contract for all faces: the same action has the same outcome, is refused alike, and leaves the same trail."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from engine.people.access import ROLES, Principal, may
from tests.faces.actions import EVERY, Action
from tests.faces.conftest import Faces, Open, Outcome

Make = Callable[[], Faces]
_IN_TRASH = re.compile(r"20\d{6}T\d{6}Z-")
"""When something was moved there, in the name of its folder."""
DATED = ("prompt-label-protected", "user-add")
"""Actions whose documents have a time, or an etag of a text with one and with the person."""
ACTIONS = [pytest.param(action, id=action.name) for action in EVERY]


def _look(page: str, params: Mapping[str, str], go: Open) -> AppTest:
    return go(page, **params)


def by_command(faces: Faces, action: Action, arguments: dict[str, object]) -> Outcome:
    return faces.command(action.command(**arguments))


def by_request(faces: Faces, action: Action, arguments: dict[str, object]) -> Outcome:
    return faces.request(*action.request(**arguments))


def by_page(faces: Faces, action: Action, arguments: dict[str, object]) -> Outcome:
    page = action.page or pytest.fail(f"{action.name} is done in the browser only")
    return faces.page(lambda go: page(go, **arguments))


FACES = {"command": by_command, "request": by_request, "page": by_page}


@pytest.mark.parametrize("action", ACTIONS)
def test_each_face_does_the_same_and_leaves_the_same_trail(make_faces: Make, action: Action) -> None:
    states = {}
    documents: dict[str, str] = {}
    for name, act in FACES.items():
        if act is by_page and action.page is None:
            continue
        faces = make_faces()
        for prepare in action.before:
            prepare(faces.orchestra)
        before = faces.state()
        outcome = act(faces, action, dict(action.good))
        assert outcome == Outcome(), name
        documents[name] = _IN_TRASH.sub("", json.dumps(outcome.value)) if act is not by_page else ""
        states[name] = faces.state()
        assert states[name] != before, name
        new = states[name]["trail"][len(before["trail"]) :]
        assert [what for what, _ in new] == [action.audit], name
    assert states["command"] == states["request"]
    assert documents["request"] in ('""', documents["command"]) or action.name in DATED
    assert states["command"] == states.get("page", states["command"])


@pytest.mark.parametrize("before", dict.fromkeys(tuple(one.before) for one in EVERY))
def test_each_face_refuses_the_same_in_the_same_words_and_offers_it_to_nobody_who_may_not(
    make_faces: Make, before: Sequence[Callable[[Orchestra], object]]
) -> None:
    """What is refused leaves no trace, so those that are prepared alike share a workspace."""
    faces = make_faces()
    for prepare in before:
        prepare(faces.orchestra)
    for action in [one for one in EVERY if tuple(one.before) == before]:
        _is_refused_alike(faces, action)
        _is_for_those_who_may(faces, action)


def _is_refused_alike(faces: Faces, action: Action) -> None:
    for kind, arguments in action.refused:
        before = faces.state()
        command = by_command(faces, action, dict(arguments))
        request = by_request(faces, action, dict(arguments))
        assert (command.error, request.error) == (kind, kind), (action.name, arguments)
        assert command == request
        if action.page is not None and arguments not in action.not_on_page:
            page = by_page(faces, action, dict(arguments))
            assert command.message in page.message, (action.name, arguments)
        assert faces.state() == before, (action.name, arguments)


def _is_for_those_who_may(faces: Faces, action: Action) -> None:
    before = faces.state()
    refused = [role for role in ROLES if role != "owner" and not may(Principal(role, role), action.right)]
    for role in refused:
        method, path, body = action.request(**action.good)
        assert faces.request(method, path, body, role).error == "NotAllowed", (action.name, role)
    if refused and action.hidden is not None:
        page, params, key = action.hidden
        most = refused[0]  # the others see even less
        at = faces.page(partial(_look, page, params), most).value
        assert key not in {one.key for one in [*at.button, *at.menu_button]}, (action.name, most)
    assert {**faces.state(), "sessions": {}} == {**before, "sessions": {}}, action.name
