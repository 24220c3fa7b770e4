"""Sets of the siblings before a step, which take little memory even for very many steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Earlier(AbstractSet[str]):
    """Ids of steps: those at the positions in `mask`, and `more`."""

    places: Mapping[str, int]
    mask: int
    more: AbstractSet[str] = frozenset()

    def __contains__(self, name: object) -> bool:
        place = self.places.get(name) if isinstance(name, str) else None
        return (place is not None and bool(self.mask >> place & 1)) or name in self.more

    def __iter__(self) -> Iterator[str]:
        yield from (name for name, place in self.places.items() if self.mask >> place & 1)
        yield from self.more

    def __len__(self) -> int:
        return self.mask.bit_count() + len(self.more)

    def __ror__(self, other: AbstractSet[str]) -> AbstractSet[str]:
        return Earlier(self.places, self.mask, self.more | other if self.more else other)

    def __or__(self, other: AbstractSet[str]) -> AbstractSet[str]:  # type: ignore[override]
        return self.__ror__(other)

    def without(self, name: str) -> Earlier:
        """Return the set without one step."""
        place = self.places.get(name)
        return self if place is None else Earlier(self.places, self.mask & ~(1 << place), self.more)


def all_before(ids: Sequence[str]) -> list[Earlier]:
    """Return, for each id, the ids before it."""
    places: dict[str, int] = {}
    found: list[Earlier] = []
    for one in ids:
        found.append(Earlier(places, (1 << len(places)) - 1))
        places.setdefault(one, len(places))
    return found
