from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from engine.people.access import Principal

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")


def named(at: AppTest) -> str:
    """The name that the dialog suggests."""
    [field] = [one for one in at.text_input if one.label == "Name"]
    return str(field.value)


def test_the_name_of_a_new_project_follows_its_title(orchestra: Orchestra, open_page: Open) -> None:
    orchestra.projects.create(OWNER, "price-list", "Prices")
    at = open_page("projects")
    at.button(key="new-project").click().run()
    assert named(at) == "my-project"
    at.button(key="new-project").click()
    at.text_input(key="new-project-title").set_value("Opening hours").run()
    assert named(at) == "opening-hours"
    at.button(key="new-project").click()
    at.text_input(key="new-project-title").set_value("Price list").run()
    assert named(at) == "price-list-2", "one that is free"
    at.button(key="new-project").click()
    at.button(key="new-project-make").click().run()
    assert not at.exception
    assert {one.name: one.title for one in orchestra.projects.list(OWNER)}["price-list-2"] == "Price list"
