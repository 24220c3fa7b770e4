"""Models of answers that are records of the engine."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct
from pydantic import BaseModel

from api.base.models import model_of


@dataclass(frozen=True)
class Lamp:
    """A lamp."""

    name: str
    watts: int | None = None
    """What it takes; None if it is not known.

    To the watt."""
    places: tuple[str, ...] = ()


class Room(Struct, frozen=True):
    name: str
    lamps: list[Lamp]
    """Those that hang here."""


@model_of(Lamp)
class LampView(BaseModel):
    """A lamp as others see it."""


@model_of(Room)
class RoomView(BaseModel):
    """A room."""

    lamps: list[LampView]


def test_a_model_has_the_members_of_the_record_all_required_with_what_is_said_of_them() -> None:
    schema = LampView.model_json_schema()
    assert (schema["title"], schema["description"]) == ("LampView", "A lamp as others see it.")
    assert list(schema["properties"]) == schema["required"] == ["name", "watts", "places"]
    described = {name: one.get("description") for name, one in schema["properties"].items()}
    assert described == {"name": None, "watts": "What it takes; None if it is not known. To the watt.", "places": None}
    assert schema["properties"]["places"] == {"items": {"type": "string"}, "title": "Places", "type": "array"}


def test_a_member_that_the_model_has_itself_stays_as_it_is_there() -> None:
    schema = RoomView.model_json_schema()
    assert list(schema["properties"]) == ["name", "lamps"]
    assert schema["properties"]["lamps"]["items"] == {"$ref": "#/$defs/LampView"}
