"""The samples that answer mail show the model the whole conversation, not the last mail alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.workflows.samples import copy_all
from engine.workspace.workspace import Workspace
from tests.engine.conftest import OWNER
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

HEAD = "From: Ann <ann@example.org>\nTo: you@example.com\n"
FIRST = f"{HEAD}Subject: Zeppelin\nMessage-ID: <z1@example.org>\n\nThe blue one costs 40 EUR.\n"
SECOND = (
    f"{HEAD}Subject: Re: Zeppelin\nMessage-ID: <z2@example.org>\nReferences: <z1@example.org>\n\n"
    "Which one do you want?\n\nOn Monday Ann wrote:\n> The blue one costs 40 EUR.\n"
)


@pytest.fixture
def orchestra(own_accounts: Path) -> Iterator[Orchestra]:
    copy_all(Workspace(own_accounts))
    opened = Orchestra.open(own_accounts)
    yield opened
    opened.close()


def arrive(standins: StandIns, raw: str) -> None:
    address, plain = f"{standins['gmail'].origin}/_demo/mail", {"content-type": "text/plain"}
    standins.controls.post(address, content=raw, headers=plain).raise_for_status()


def seen(orchestra: Orchestra, name: str) -> dict[str, str]:
    """What the model saw of each mail, by the mail's Message-ID."""
    started = orchestra.runs.start(OWNER, name, {"query": "subject:Zeppelin"})
    run: Any = orchestra.runs.wait(OWNER, started, PATIENCE_SECONDS)
    mails = next(step for step in run["steps"] if step["path"] == "mails")["output"]["messages"]
    reads = [step["path"] for step in run["steps"] if step["path"].endswith(".read")]
    assert len(mails) == len(reads)
    told = [orchestra.runs.seen(OWNER, run["run_id"], path).messages[-1] for path in sorted(reads)]
    return {
        mail["message_id"]: "".join(part.text for part in message.parts)
        for mail, message in zip(mails, told, strict=True)
    }


@pytest.mark.parametrize("name", ["answer-mail", "reply-drafts"])
def test_the_model_sees_the_whole_conversation_below_the_mail(
    orchestra: Orchestra, standins: StandIns, name: str
) -> None:
    arrive(standins, FIRST)
    assert "Whole conversation" not in seen(orchestra, name)["<z1@example.org>"]
    arrive(standins, SECOND)
    mail, _, conversation = seen(orchestra, name)["<z2@example.org>"].partition("--- Whole conversation ---")
    assert "Which one do you want?" in mail
    said = [line.strip() for line in conversation.splitlines() if line.startswith("  ")]
    assert said == ["The blue one costs 40 EUR.", "Which one do you want?"]
