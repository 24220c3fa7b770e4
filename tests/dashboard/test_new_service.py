"""A service in one new file of `clients/` is known wherever services are shown or asked; no other file changes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import clients
from clients.check_line import CheckLine
from dashboard.parts.accounts import service_icon, service_title
from dashboard.run.board import board
from engine.base import services
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.service_docs import services_page

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner", confirmed=True)
NEW_CLIENT = '''"""Boards with cards."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.check_line import CheckLine
from clients.client import Client, Opening
from clients.service import AccountKey, Service, Setting


class BoardsSettings(BaseModel):
    """Settings of an account."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = Field(SecretStr(""), description="Its key.")
    team: str = Field("", description="The team that owns the boards.")


BOARDS = Service(
    name="boards",
    title="Kanban",
    icon="view_kanban",
    settings=BoardsSettings,
    usual_name="kanban",
    key=AccountKey("token", "BOARDS_TOKEN", "Kanban, Settings, Tokens", "https://boards.example/tokens", label="Token"),
    beside_key=(Setting("team", "BOARDS_TEAM", "Team", "as in the address"),),
    pickers={"boards-board": "boards"},
    link="Card",
)


class BoardsClient(Client):
    """One account."""

    service = BOARDS

    def __init__(self, settings: BoardsSettings) -> None:
        self._team = settings.team

    @classmethod
    def open(cls, settings: Any, opening: Opening) -> "BoardsClient":
        """Return a client."""
        return cls(settings)

    def account(self) -> str:
        """Return the team."""
        return self._team

    def check(self) -> list[CheckLine]:
        """Say who is signed in."""
        return [CheckLine("sign-in", ok=True, text=f"Signed in for {self._team}.")]

    def boards(self) -> list[str]:
        """List the boards."""
        return ["Roadmap", "Support"]
'''
CONNECTION = "  cards:\n    service: boards\n    token: env:BOARDS_TOKEN\n    team: blue\n"
BOARD = {"type": "string", "title": "Board", "format": "boards-board", "default": "Roadmap"}
PICKED = {
    "schema_version": 1,
    "inputs": {"type": "object", "properties": {"board": BOARD}},
    "steps": [{"id": "note", "uses": "flow.set", "with": {"values": {"board": "{{ inputs.board }}"}}}],
    "outputs": {"board": "{{ steps.note.output.board }}"},
}
RUN: Any = {
    "status": "succeeded",
    "definition": {"workflow": {"steps": [{"id": "make", "uses": "boards.create_card"}]}},
    "steps": [
        {
            "path": "make",
            "id": "make",
            "uses": "boards.create_card",
            "status": "succeeded",
            "error": None,
            "output": {},
            "effect": {"reused": False, "receipt": {"id": "1", "url": "https://boards.example/1"}},
        }
    ],
}


@pytest.fixture
def _one_more_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more file in `clients/`, as far as anybody can see."""
    folder = tmp_path / "more_clients"
    folder.mkdir()
    (folder / "boards.py").write_text(NEW_CLIENT)
    with monkeypatch.context() as patch:
        patch.setattr(clients, "__path__", [*clients.__path__, str(folder)])
        services.forget()
        yield
        patch.delitem(sys.modules, "clients.boards", raising=False)
    services.forget()


@pytest.fixture
def connected(_one_more_file: None, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a connection to it, and a workflow whose input is one of its boards."""
    config = workspace / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("connections:\n", f"connections:\n{CONNECTION}", 1), encoding="utf-8")
    (workspace / "workflows" / "pick.json").write_text(json.dumps(PICKED), encoding="utf-8")
    monkeypatch.setenv("BOARDS_TOKEN", "a-token-of-the-boards")
    return workspace


@pytest.mark.usefixtures("connected")
def test_it_is_shown_and_offered_listed_checked_opened_and_picked_from(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("connections")
    assert not at.exception
    assert ":material/view_kanban: Kanban" in [str(one.value) for one in at.header]
    assert "https://boards.example/tokens" in " ".join(str(one.value) for one in at.markdown)
    assert {"Token", "Team"} <= {one.label for one in at.text_input}
    at.button(key="new-connection").click().run()
    chosen = at.selectbox(key="new-connection-service")
    assert "Kanban" in chosen.options
    chosen.set_value("boards")
    at.button(key="new-connection").click().run()
    assert at.text_input(key="new-connection-name-boards").value == "kanban"
    assert at.text_input(key="new-connection-boards-team").placeholder == "as in the address"

    listed = {one.name: one for one in orchestra.connections.list(OWNER)}["cards"]
    assert (listed.service, listed.mode, listed.ready, listed.has_stand_in) == ("boards", "mine", True, False)
    lines = orchestra.connections.check(OWNER, "cards")
    assert CheckLine("sign-in", ok=True, text="Signed in for blue.") in lines
    assert orchestra.connections.get(OWNER, "cards").account == "blue"
    assert services.add_command("boards", "cards") == "`orchestra connections add boards --name cards`"

    assert orchestra.connections.choices(OWNER, "boards-board") == ["Roadmap", "Support"]
    at = open_page("workflow", name="pick")
    assert not at.exception
    assert not at.error
    [picker] = [one for one in at.selectbox if one.label.startswith("Board")]
    assert {"Roadmap", "Support"} <= set(picker.options)


@pytest.mark.usefixtures("_one_more_file")
def test_the_board_of_a_run_links_to_what_it_made() -> None:
    shown = board(RUN)
    assert shown.kinds == ["Card"]
    assert shown.rows[0].links == {"Card": "https://boards.example/1"}
    assert (service_title("boards"), service_icon("boards")) == ("Kanban", ":material/view_kanban:")


@pytest.mark.usefixtures("_one_more_file")
def test_the_documentation_has_it() -> None:
    page = services_page()
    assert "## `boards`" in page
    assert "| `team` | text |  | The team that owns the boards. |" in page
    assert "Inputs of the format `boards-board` are picked from a list." in page


def test_without_its_file_nobody_knows_it() -> None:
    assert services.service_of("boards") is None
    assert "boards" not in services_page()
    assert service_title("boards") == "Boards"
