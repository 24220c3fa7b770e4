"""`runs debug` at a terminal: it asks at each pause, and takes the answers that its question names."""

from __future__ import annotations

from tests.cli.conftest import Orchestra


def test_each_answer_does_what_the_question_says(orchestra: Orchestra) -> None:
    result = orchestra("runs", "debug", "pure", typed="s\np first\ns 7\nc\n")
    assert result.code == 0, result
    first, second, third, _, last = (result.out + result.err).split("q(uit)")
    assert "Paused before first" in first
    assert "Paused before each[" in second
    assert '"v": 2' in third
    assert "No paused step has the number 7." in result.err
    assert "succeeded" in last


def test_quitting_leaves_the_run_paused_and_says_how_to_go_on(orchestra: Orchestra) -> None:
    result = orchestra("runs", "debug", "pure", typed="q\n")
    assert result.code == 5
    assert "orchestra runs continue" in result.err
    assert orchestra("runs", "list", "--json").json["runs"][0]["status"] == "waiting"
