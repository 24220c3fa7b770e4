"""The page Tools: a tool is made, edited, tested and restored on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from engine.sandbox.walls import walls
from tests.dashboard.test_prompt import OWNER, words

pytestmark = pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")
Open = Callable[..., AppTest]


def press(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click().run()
    assert not at.exception, at.exception
    return at


def test_a_tool_is_made_from_a_sample(open_page: Open, orchestra: Orchestra) -> None:
    at = press(open_page("tools"), "new-tool")
    at.selectbox(key="new-tool-sample").select("iban-check")
    press(at, "new-tool")  # in a browser the dialog stays open, here each run has to open it again
    at.button(key="new-tool").click()
    press(at, "new-tool-make")
    assert [one.name for one in orchestra.tools.list(OWNER)] == ["iban-check"]


def test_files_are_edited_tested_and_restored(open_page: Open, orchestra: Orchestra) -> None:
    orchestra.tools.new(OWNER, "mine")
    assert orchestra.tools.test(OWNER, "mine").passed
    at = open_page("tools", tool="mine")
    at.selectbox(key="tool-file-mine").select("main.py").run()
    [editor] = at.text_area
    editor.set_value("print('begun')\noutput = {'text': inputs['txt']}\n").run()
    assert "Not saved yet." in words(at)
    press(at, "save-tool-mine/main.py")
    assert orchestra.tools.show(OWNER, "mine").state == "changed"
    press(at, "tools-test-mine")
    assert "**Line 2** · strips: Line 2 of tools/mine/main\\.py failed" in words(at)
    assert "KeyError: 'txt'\nIt had printed:\nbegun" in next(one.value for one in at.code)
    assert "Correct line 2 of tools/mine/main\\.py\\." in words(at)
    at.query_params["tab"] = "versions"
    at.run()
    at.radio(key="tool-versions-mine").set_value(at.radio(key="tool-versions-mine").options[0]).run()
    assert "-output = {" in words(at)
    press(at, "tool-restore-mine")
    assert orchestra.tools.show(OWNER, "mine").state == "tested"


def test_what_somebody_else_saved_is_not_overwritten_and_tests_say_which_text_they_have_tested(
    open_page: Open, orchestra: Orchestra
) -> None:
    orchestra.tools.new(OWNER, "mine")
    good = orchestra.tool_files.get(OWNER, "mine", "main.py").text or ""
    at = open_page("tools", tool="mine")
    at.selectbox(key="tool-file-mine").select("main.py").run()
    at.text_area[0].set_value("output = 'mine'").run()
    theirs = orchestra.tool_files.get(OWNER, "mine", "main.py")
    orchestra.tool_files.save(OWNER, "mine", "main.py", "output = 'theirs'\n", theirs.etag)
    at.run()
    assert "Somebody has saved this file" in words(at)
    assert orchestra.tool_files.get(OWNER, "mine", "main.py").text == "output = 'theirs'\n"
    press(at, "overwrite-tool-mine/main.py")
    assert orchestra.tool_files.get(OWNER, "mine", "main.py").text == "output = 'mine'\n"

    orchestra.tool_files.save(OWNER, "mine", "main.py", good, orchestra.tool_files.get(OWNER, "mine", "main.py").etag)
    at.run()
    press(at, "tools-test-mine")
    assert "All tests have passed" in words(at)
    assert "not saved yet" not in words(at)
    at.text_area[0].set_value("output = 'never saved'").run()
    press(at, "tools-test-mine")
    assert "The saved text was tested; your changes are not saved yet." in words(at)


def test_a_tool_is_renamed_and_goes_to_the_trash(open_page: Open, orchestra: Orchestra) -> None:
    orchestra.tools.new(OWNER, "mine")

    def chosen(name: str, action: str) -> AppTest:
        at = open_page("tools", tool=name)
        at.menu_button(key=f"menu-tool-{name}").click(action).run()
        at.menu_button(key=f"menu-tool-{name}").click(action)
        return at

    at = chosen("mine", "Rename")
    at.text_input(key="rename-name-mine").set_value("ours")
    press(at, "rename-make")
    assert [one.name for one in orchestra.tools.list(OWNER)] == ["ours"]
    press(chosen("ours", "Delete"), "delete-make")
    assert orchestra.tools.list(OWNER) == []


def test_a_long_description_is_cut_and_opened_on_demand(open_page: Open, orchestra: Orchestra, workspace: Path) -> None:
    orchestra.tools.new(OWNER, "mine")
    file = workspace / "tools" / "mine" / "tool.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "description": "word " * 10_000}))
    at = open_page("tools", tool="mine")
    assert words(at).count("word ") <= 80
    assert "More" in [one.label for one in at.expander]
