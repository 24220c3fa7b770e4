"""Operations: the right is checked before the method, and the declaration can be read."""

from __future__ import annotations

import inspect

import pytest

from engine.base.errors import NotAllowed
from engine.people.access import Principal
from engine.people.operation import Declaration, declaration_of, declarations_of, operation

VERA = Principal("vera", "viewer")
OLGA = Principal("olga", "operator")


class Lamps:
    def __init__(self) -> None:
        self.lit: list[str] = []

    @operation("lamps.light", "run", "light lamps", "Light a lamp")
    def light(self, p: Principal, name: str, *, twice: bool = False) -> int:
        """Light a lamp; return how many are lit."""
        self.lit += [name] * (2 if twice else 1)
        return len(self.lit)

    @operation("lamps.look", None, "", "Look at a lamp")
    def look(self, p: Principal, name: str) -> bool:
        return name in self.lit

    def count(self) -> int:
        return len(self.lit)


LIGHT = Declaration("lamps.light", "run", "light lamps", "Light a lamp")
LOOK = Declaration("lamps.look", None, "", "Look at a lamp")


def test_who_lacks_the_right_is_refused_before_anything_is_done() -> None:
    lamps = Lamps()
    with pytest.raises(NotAllowed, match="vera has the role viewer and may not light lamps"):
        lamps.light(VERA, "hall", twice=True)
    assert lamps.count() == 0


def test_who_has_the_right_gets_what_the_method_returns() -> None:
    lamps = Lamps()
    assert lamps.light(OLGA, "hall", twice=True) == 2
    assert lamps.look(VERA, "hall")  # without a right, the method itself decides


def test_a_declaration_is_read_from_the_class_and_from_a_bound_method() -> None:
    assert declarations_of(Lamps) == {"light": LIGHT, "look": LOOK}
    assert (declaration_of(Lamps.light), declaration_of(Lamps().light)) == (LIGHT, LIGHT)
    with pytest.raises(KeyError):
        declaration_of(Lamps.count)


def test_a_method_keeps_its_name_its_docstring_and_its_signature() -> None:
    light = Lamps().light
    assert (light.__name__, light.__doc__) == ("light", "Light a lamp; return how many are lit.")
    assert list(inspect.signature(light).parameters) == ["p", "name", "twice"]
