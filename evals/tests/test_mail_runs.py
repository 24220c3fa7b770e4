"""The mail evaluation from end to end: with the demo's model, and with a server that answers everything rightly."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.connections.stand_ins import LATENCY_VARIABLE
from evals.mail.__main__ import main
from evals.mail.questions import Group, questions
from evals.mail.results import kept
from tests.patience import until
from tests.scripted_model.scripted import MODEL, Answer, scripted

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-of-the-evaluation-1234567890"


def test_the_demo_answers_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every group has figures, and the page is there."""
    main(["--demo", "--limit", "3", "--into", str(tmp_path)])
    [model] = kept(tmp_path / "results.json")
    assert {one.group for one in model.outcomes} == {one for one in Group if not one.is_work} - {Group.OWN}
    assert len(model.outcomes) == 12
    printed = capsys.readouterr().out
    assert "12 of 12 questions are to be asked" in printed
    assert re.search(r"classify: right \d of 3 \(\d+% to \d+%\)", printed)
    assert "How often a model is right" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_workspace_of_somebody_else_is_left_as_it_is(tmp_path: Path) -> None:
    """A folder `workspace` that the evaluation has not made is refused, with its path; an empty one is taken."""
    root = tmp_path / "workspace"
    (root / "prompts").mkdir(parents=True)
    options = ["--demo", "--only", "classify", "--limit", "1", "--into", str(tmp_path)]
    theirs = [root / "config.yaml", root / "prompts" / "classify-mail.json", root / "prompts" / "a.cases" / "1.json"]
    for one in theirs:
        one.parent.mkdir(exist_ok=True)
        one.write_text("{}\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=re.escape(str(root))):
        main(options)
    assert [one.read_text(encoding="utf-8") for one in theirs] == ["{}\n"] * 3
    assert sorted(one for one in tmp_path.rglob("*") if one.is_file()) == sorted(theirs)
    shutil.rmtree(root)
    root.mkdir()
    main(options)
    main(options)


def test_mails_of_ones_own_are_a_group_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    """They are beside ours, whatever their ids; one that is changed or removed is not shown for any model."""
    mails, results = tmp_path / "mine.jsonl", tmp_path / "results.json"
    mine = [{"id": one, "kind": "bug", "subject": "S", "text": "It fails."} for one in ("en-01", "b", "c")]
    options = ["--demo", "--into", str(tmp_path)]
    main([*options, "--only", "classify", "--limit", "2"])
    ours = [one for model in kept(results) for one in model.outcomes]
    mails.write_text("".join(f"{json.dumps(one)}\n" for one in mine), encoding="utf-8")
    main([*options, "--mails", str(mails)])
    other = json.loads(results.read_text(encoding="utf-8"))
    results.write_text(json.dumps({"another": next(iter(other.values())), **other}), encoding="utf-8")
    mails.write_text(f"{json.dumps(mine[0])}\n{json.dumps({**mine[1], 'text': 'It works.'})}\n", encoding="utf-8")
    main([*options, "--mails", str(mails)])
    another, demo = kept(results)
    assert [one.question for one in another.outcomes if one.group == Group.OWN] == ["en-01"]
    assert [one.question for one in demo.outcomes if one.group == Group.OWN] == ["en-01", "b"]
    assert [one for one in demo.outcomes if one.group == Group.CLASSIFY] == ours
    assert "Mails of your own" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_killed_evaluation_goes_on_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was answered before the kill is not asked again."""
    options = ["--demo", "--only", "classify", "--limit", "40", "--into", str(tmp_path)]
    command = [sys.executable, "-m", "evals.mail", *options, "--at-once", "1"]
    # Without an answer at once, the kill would come too late.
    running = subprocess.Popen(command, cwd=ROOT, env={**os.environ, LATENCY_VARIABLE: "0.3"})
    answers = tmp_path / "workspace" / "prompts" / "classify-mail.cases" / "answers"
    until(lambda: len([*answers.glob("*.json")]) >= 3, "three answers")
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = len([*answers.glob("*.json")])
    assert before < 40
    main([*options, "--recorded"])
    so_far = len(kept(tmp_path / "results.json")[0].outcomes)
    assert before <= so_far < 40
    main(options)
    asked = re.search(r"(\d+) of 40 questions are to be asked", capsys.readouterr().out)
    assert asked is not None
    assert int(asked[1]) == 40 - so_far
    assert len(kept(tmp_path / "results.json")[0].outcomes) == 40


def right_kind(body: dict[str, Any], _: int) -> Answer:
    """Answer as the author of the mails would."""
    sent = body["messages"][-1]["content"]
    [one] = [one for one in questions() if one.group is Group.CLASSIFY and _written(one.variables) == sent]
    title = next(iter(re.findall(r"\w+", one.variables["subject"])), "")
    return Answer(json.dumps({"kind": one.kind, "title": title, "summary": "S"}))


def _written(mail: Any) -> str:
    return f"Subject: {mail['subject']}\n\n{mail['text']}"


def test_a_connection_of_a_workspace_is_asked_and_its_key_stays_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model with a price is asked only after somebody has agreed."""
    own = tmp_path / "own"
    own.mkdir()
    with scripted(right_kind) as model:
        connection = f'{{service: openai, base_url: "{model.base_url}", model: {MODEL}, api_key: env:OWN_KEY}}'
        (own / "config.yaml").write_text(
            f"connections:\n  llm: {connection}\nprices:\n  {MODEL}: {{input: 3, output: 15}}\n", encoding="utf-8"
        )
        (own / ".env").write_text(f"OWN_KEY={KEY}\n", encoding="utf-8")
        into = tmp_path / "into"
        options = ["--workspace", str(own), "--connection", "llm", "--only", "classify", "--languages", "de", "ja"]
        options += ["--limit", "12", "--into", str(into)]
        with pytest.raises(SystemExit, match="--yes"):
            main(options)
        assert not model.requests
        main([*options, "--yes"])
        assert len(model.requests) == 12
        main([*options, "--yes"])
        assert len(model.requests) == 12
    assert "right 12 of 12" in capsys.readouterr().out
    [measured] = kept(into / "results.json")
    assert measured.model == f"{MODEL} (llm)"
    assert all(one.cost_usd for one in measured.outcomes)
    files = [one for one in into.rglob("*") if one.is_file()]
    assert [one for one in files if KEY.encode() in one.read_bytes()] == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--connection", "nope"], "nope", id="connection"),
        pytest.param(["--demo", "--languages", "xx"], "xx", id="language"),
        pytest.param(["--demo", "--mails", "gone.jsonl"], "gone.jsonl", id="file"),
        pytest.param(["--demo", "--mails", "gone.jsonl", "--only", "drafts"], "2", id="only"),
        pytest.param(["--demo", "--at-once", "99"], "99", id="at-once"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(options: list[str], said: str, tmp_path: Path) -> None:
    """The program ends with what was given."""
    (tmp_path / "config.yaml").write_text("connections: {}\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=said):
        main([*options, "--workspace", str(tmp_path), "--into", str(tmp_path / "into")])


def test_every_connected_model_is_asked_and_the_copilot_stands_in_the_same_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What costs much is asked only if it is named, and its cost is said before."""
    work = tmp_path / "work"
    work.mkdir()
    with scripted([Answer("I cannot.")]) as model:
        settings = {"connections": {"llm": {"service": "openai", "base_url": model.base_url, "model": MODEL}}}
        (work / "config.yaml").write_text(json.dumps(settings), encoding="utf-8")
        into = ["--into", str(tmp_path), "--workspace", str(work), "--yes"]
        main([*into, "--only", "copilot", "--limit", "1"])
        asked = len(model.requests)
        main([*into, "--only", "copilot", "--limit", "1"])
    assert (asked > 0, len(model.requests)) == (True, asked), "what was answered is not asked again"
    printed = capsys.readouterr().out
    assert "1 task of copilot: about 14,000 tokens in" in printed
    [measured] = kept(tmp_path / "results.json")
    assert [(one.group, one.right) for one in measured.outcomes] == [(Group.COPILOT, False)]
    assert "Requests to the co-pilot" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_agents_and_programs_say_what_they_need(tmp_path: Path) -> None:
    """They are not left out in silence."""
    for group, words in (("agent", "make agent-eval"), ("builder", "make builder-eval")):
        options = ["--model", MODEL, "--url", "http://127.0.0.1:1/v1", "--only", group, "--into", str(tmp_path)]
        if not (ROOT / {"agent": ".venv-agentdojo", "builder": ".venv-humaneval"}[group]).exists():
            with pytest.raises(SystemExit, match=words):
                main(options)
