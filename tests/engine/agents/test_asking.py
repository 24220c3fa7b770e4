"""Agents ask people: at a limit, when stuck and when unsure; the answer survives restarts and is never asked twice."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from engine.base.errors import InvalidInput
from engine.plugins.registry import step_type
from engine.plugins.step import AskPerson, Call
from engine.runs.approvals import Approval
from engine.steps.agent.asking import AskFields
from tests.engine.agents.test_agents import FINISH, Start, agent
from tests.engine.budgets.conftest import Desk, desk
from tests.engine.conftest import OWNER, Service, service
from tests.patience import until

__all__ = ["agent", "desk", "service"]

MODELS = tuple(f".model_{number}" for number in range(1, 31))
READ = "CALL read {}"
ASK = 'CALL ask {"question": "Which month? <b>Pay</b> mallory@example.com"}'


def question(desk: Desk) -> Approval:
    (found,) = desk.orchestra.approvals.list(OWNER)
    return found


def ended(desk: Desk) -> Any:
    """The run of the agent, once it and the run that called it have ended."""
    rows = desk.orchestra.runs.list(OWNER).rows
    for one in rows:
        until(partial(_succeeded, desk, one.run_id))
    return desk.wait(next(one.run_id for one in rows if one.workflow == "agent:helper"))


def _succeeded(desk: Desk, run_id: str) -> bool:
    return bool(desk.wait(run_id)["status"] == "succeeded")


def told(document: Any) -> list[Any]:
    """What the model was told in the last turn, after the task."""
    asked = [
        one["request"]["messages"][2:] for one in document["steps"] if one["path"].endswith(MODELS) and "request" in one
    ]
    return list(asked[-1])


@pytest.mark.parametrize(
    ("limits", "why", "proposed"),
    [
        ({"turns": 2}, "all its turns", {"turns": 2}),
        ({"turns": 4, "tokens": 1}, "all its tokens", {"turns": 0, "tokens": 1}),
        ({"turns": 4, "seconds": 0.001}, "all its time", {"turns": 0, "seconds": 0.001}),
        ({"turns": 4}, "the same call three times", {"turns": 0}),
    ],
)
def test_at_a_limit_the_run_waits_for_a_person(
    agent: Start, desk: Desk, limits: dict[str, Any], why: str, proposed: dict[str, float]
) -> None:
    same = "SAY no JSON" if "three times" in why else READ  # a read has the time in its headers
    document = agent(same, same, same, FINISH, limits=limits)
    asked = question(desk)
    assert (document["status"], asked.workflow) == ("waiting", "agent:helper")
    assert why in asked.message
    assert asked.give == proposed
    assert asked.details["done so far"][0]["called"] in ("read", "no JSON")
    more = {"seconds": 60, "tokens": 9_000}  # so little was given that the next turn would be over it, too
    given = {name: amount for name, amount in more.items() if name in limits}
    desk.orchestra.approvals.approve(OWNER, asked.id, "Try the archive.", given or None)
    document = ended(desk)
    assert document["outputs"]["stopped_by"] == "finished"
    assert {"role": "user", "content": "A person of this workspace answers:\nTry the archive."} in told(document)


def test_the_model_asks_and_a_person_answers_in_words(agent: Start, desk: Desk) -> None:
    document = agent(ASK, FINISH)
    asked = question(desk)
    words = "the agent's words, which may come from outside"
    assert document["status"] == "waiting"
    assert "mallory" not in asked.message  # what the model says is not text of ours
    assert asked.details == {words: "Which month? <b>Pay</b> mallory@example.com", "done so far": []}
    desk.orchestra.approvals.approve(OWNER, asked.id, "May.")
    found = ended(desk)
    asked_by_model, answer = told(found)
    assert json.loads(asked_by_model["content"])["tool"] == "ask"
    assert answer == {"role": "user", "content": "A person of this workspace answers:\nMay."}
    assert found["outputs"] == {"output": "done", "turns": 2, "stopped_by": "finished"}


@pytest.mark.parametrize(("lines", "turns"), [((ASK, FINISH), 1), ((READ, READ, FINISH), 2)])
def test_a_person_ends_the_agent(agent: Start, desk: Desk, lines: tuple[str, ...], turns: int) -> None:
    agent(*lines, limits={"turns": 2})
    desk.orchestra.approvals.reject(OWNER, question(desk).id, "Leave it.")
    assert ended(desk)["outputs"] == {"output": None, "turns": turns, "stopped_by": "person"}


def test_what_a_person_gives_is_checked(agent: Start, desk: Desk) -> None:
    agent(READ, READ, FINISH, limits={"turns": 1})
    asked, approvals = question(desk), desk.orchestra.approvals
    for wrong, said in (
        ({"truns": 2}, "The question has no 'truns'. Did you mean 'turns'?"),
        ({"turns": 1.5}, "'turns' must be a whole number from 0 to 1,000,000,000, not 1.5."),
        ({"turns": -1}, "not -1"),
        ({"turns": True}, "not True"),
    ):
        with pytest.raises(InvalidInput) as caught:
            approvals.approve(OWNER, asked.id, arguments=wrong)
        assert said in f"{caught.value.message} {caught.value.remedy}"
    approvals.approve(OWNER, asked.id, arguments={"turns": 1})
    until(lambda: [one.give for one in approvals.list(OWNER)] == [{"turns": 1}])  # one turn, then the next question


def test_the_file_says_that_nobody_is_asked(agent: Start, desk: Desk) -> None:
    document = agent(ASK, FINISH, on_limit="stop")
    turns = {one["path"]: one for one in document["steps"]}
    assert "There is no tool 'ask'" in turns["turn_1.model_1"]["output"]["error"]
    assert document["outputs"]["stopped_by"] == "finished"


def test_a_question_outlives_restarts_and_is_asked_once(agent: Start, desk: Desk, service: Service) -> None:
    """Closed while it waits, answered by another process, closed after the answer: no turn is asked again."""
    agent(READ, ASK, READ, FINISH)
    asked = question(desk)
    restart(desk)
    assert question(desk) == asked
    desk.orchestra.approvals.approve(OWNER, asked.id, "May.")
    restart(desk)
    assert ended(desk)["outputs"] == {"output": "done", "turns": 4, "stopped_by": "finished"}
    assert (desk.asked, service.seen) == (4, {"/mails": 2})
    assert [one.id for one in desk.orchestra.approvals.list(OWNER, None)] == [asked.id]


def restart(desk: Desk) -> None:
    """Close the workspace and open it again, as a server."""
    desk.opened.pop(0).close()
    desk.open(serve=True)


def test_a_replay_asks_no_model_again(agent: Start, desk: Desk) -> None:
    first = agent(ASK, FINISH, called=False)
    desk.orchestra.approvals.approve(OWNER, question(desk).id, "May.")
    ended(desk)
    asked = desk.asked
    again = desk.orchestra.runs.rerun(OWNER, first["run_id"], replay=True)
    desk.wait(again)
    for one in desk.orchestra.approvals.list(OWNER):  # people are asked again, models are not
        desk.orchestra.approvals.approve(OWNER, one.id, "May.")
    until(lambda: desk.wait(again)["status"] == "succeeded")
    assert desk.asked == asked


def test_a_question_shows_a_call_as_the_model_wrote_it_and_as_a_person_edited_it() -> None:
    turn = {"asks": False, "error": "", "tool": "send", "arguments": {"send": {"text": "hello"}}}
    sent = {"arguments": {"url": "/boss", "text": "Dear all", "method": "POST"}, "changed": ["url", "text"]}
    earlier = [{"turn": turn, "results": {"send": 1}}]
    fields = AskFields(why="ask", earlier=earlier, edited={"turn_1.use_send_1": sent}, left=1)
    asked = step_type("agent.ask").call(Call(fields=fields))
    assert isinstance(asked, AskPerson)
    assert asked.details is not None
    (told,) = asked.details["done so far"]
    assert told["with"] == '{"text": "hello"}'
    assert json.loads(told["edited by a person to"]) == {"url": "/boss", "text": "Dear all"}
