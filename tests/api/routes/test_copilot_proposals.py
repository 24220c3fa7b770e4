"""`/api/copilot/proposals`: a proposal is seen, ticked and accepted by its person, over REST."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.copilot.proposals.records import Proposal
from engine.copilot.talking.records import Turn, TurnDestination
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.people.sessions import Session

SAME = {"Origin": "http://127.0.0.1:8501"}
AT = "/api/copilot/proposals/inbox-triage"
ELSEWHERE = {"op": "set", "step": "issue", "field": "with.repository", "value": "evil/app"}
TITLED = {"op": "set", "step": "mails", "field": "title", "value": "Get the mail"}


@pytest.fixture
def owner(session: Session) -> Principal:
    """Who is signed in."""
    return Principal(session.user_id, "owner")


def made(orchestra: Orchestra, owner: Principal, *ops: dict[str, Any]) -> Proposal:
    """A proposal for the owner's draft."""
    rev = orchestra.editing.draft_text(owner, "inbox-triage").state.rev
    return orchestra.copilot.proposals.make(owner, "inbox-triage", rev, [*ops], "Why not?", source="model")


def test_a_proposal_is_accepted_with_its_ticks_and_by_step(
    browser: TestClient, orchestra: Orchestra, owner: Principal
) -> None:
    one = made(orchestra, owner, ELSEWHERE, TITLED)
    assert [each["id"] for each in browser.get(AT).json()["proposals"]] == [one.id]
    shown = browser.get(f"{AT}/{one.id}").json()
    assert (shown["status"], shown["untouched"]["are_byte_equal"]) == ("open", True)
    assert [tick["kind"] for tick in shown["ticks"]] == ["destination"]
    refused = browser.post(f"{AT}/{one.id}/accept", json={}, headers=SAME)
    assert (refused.status_code, "evil/app" in refused.json()["error"]["message"]) == (422, True)
    part = browser.post(f"{AT}/{one.id}/accept", json={"steps": ["mails"]}, headers=SAME).json()
    assert (part["proposal"]["status"], part["proposal"]["accepted"]) == ("partly_accepted", ["mails"])
    assert "Get the mail" in part["edited"]["text"]
    assert "evil/app" not in part["edited"]["text"]
    ticks = [tick["id"] for tick in shown["ticks"]]
    whole = browser.post(f"{AT}/{one.id}/accept", json={"ticks": ticks}, headers=SAME).json()
    assert whole["proposal"]["status"] == "accepted"
    assert "evil/app" in whole["edited"]["text"]
    undone = browser.post(
        "/api/workflows/inbox-triage/draft/undo", json={"base_rev": whole["edited"]["rev"]}, headers=SAME
    ).json()
    assert undone["rev"] == part["edited"]["rev"]
    assert "evil/app" not in orchestra.workflows.get(owner, "inbox-triage").text


def test_a_clash_and_a_text_that_does_not_compile_have_their_own_answers(
    browser: TestClient, orchestra: Orchestra, owner: Principal
) -> None:
    clashing, broken = made(orchestra, owner, TITLED), made(orchestra, owner, {"op": "remove", "steps": ["mails"]})
    assert browser.post(f"{AT}/{broken.id}/accept", json={}, headers=SAME).status_code == 422
    assert browser.post(f"{AT}/{broken.id}/reject", headers=SAME).json()["status"] == "rejected"
    rev = orchestra.editing.draft_text(owner, "inbox-triage").state.rev
    orchestra.editing.apply(owner, "inbox-triage", rev, [{**TITLED, "value": "Mine"}])
    assert browser.post(f"{AT}/{clashing.id}/accept", json={}, headers=SAME).status_code == 409
    assert browser.get(f"{AT}/{clashing.id}").json()["status"] == "stale"


def test_a_page_of_another_origin_accepts_nothing(browser: TestClient, orchestra: Orchestra, owner: Principal) -> None:
    one = made(orchestra, owner, TITLED)
    stranger = {"Origin": "https://evil.example"}
    assert browser.post(f"{AT}/{one.id}/accept", json={}, headers=stranger).status_code in (401, 403)
    assert browser.get(f"{AT}/{one.id}").json()["status"] == "open"


def test_a_demo_run_over_rest_says_what_was_written(
    browser: TestClient, orchestra: Orchestra, owner: Principal
) -> None:
    one = made(orchestra, owner, TITLED)
    demo = browser.post(f"{AT}/{one.id}/demo", headers=SAME).json()["demo"]
    assert (demo["status"], demo["second_run"]) == ("succeeded", {"status": "succeeded", "writes": 0}), demo
    assert demo["writes"]["github.create_issue"] > 0
    assert demo["input_tokens"] > 0


def test_operations_of_a_button_become_a_proposal_and_outside_text_asks_for_more_ticks(
    browser: TestClient, orchestra: Orchestra, owner: Principal
) -> None:
    rev = orchestra.editing.draft_text(owner, "inbox-triage").state.rev
    sent = {"base_rev": rev, "ops": [ELSEWHERE], "why": "Elsewhere"}
    one = browser.post(AT, json=sent, headers=SAME).json()
    assert (one["status"], one["source"], [tick["kind"] for tick in one["ticks"]]) == ("open", "rules", ["destination"])
    other = browser.post(AT, json={**sent, "from_outside": True}, headers=SAME).json()
    assert {"destination", "write"} <= {tick["kind"] for tick in other["ticks"]}
    assert browser.post(AT, json={**sent, "base_rev": "x"}, headers=SAME).status_code == 409
    assert orchestra.editing.draft_text(owner, "inbox-triage").state.rev == rev


def test_text_from_outside_in_the_conversation_is_not_forgotten_by_a_button(
    browser: TestClient, orchestra: Orchestra, owner: Principal
) -> None:
    turn = Turn("t-1", "2026-01-01T00:00:00Z", "Why?", "done", "model", sent=TurnDestination(from_outside=True))
    orchestra.copilot.talking._turns.keep(owner, "inbox-triage", turn)
    rev = orchestra.editing.draft_text(owner, "inbox-triage").state.rev
    sent = {"base_rev": rev, "ops": [TITLED], "from_outside": False}
    assert browser.post(AT, json=sent, headers=SAME).json()["from_outside"] is True
    browser.delete("/api/copilot/conversations/inbox-triage", headers=SAME)
    assert browser.post(AT, json=sent, headers=SAME).json()["from_outside"] is False


def test_what_was_before_is_compared_and_restored_over_rest(
    browser: TestClient, orchestra: Orchestra, owner: Principal
) -> None:
    one, before = made(orchestra, owner, TITLED), orchestra.editing.draft_text(owner, "inbox-triage").text
    assert browser.get(f"{AT}/{one.id}/before").status_code == 404
    browser.post(f"{AT}/{one.id}/accept", json={}, headers=SAME)
    looked = browser.get(f"{AT}/{one.id}/before").json()
    assert "Get the mail" in looked["diff"]
    stale = browser.post(f"{AT}/{one.id}/restore", json={"base_rev": "other"}, headers=SAME)
    assert stale.status_code == 409
    restored = browser.post(f"{AT}/{one.id}/restore", json={"base_rev": looked["rev"]}, headers=SAME).json()
    assert (restored["text"], restored["can_undo"]) == (before, True)
    assert browser.get(f"{AT}/{one.id}/before").json()["diff"] == ""
