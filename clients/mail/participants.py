"""Who may join mails to a conversation: anybody can write the id of any mail into the headers of their own.

A mail joins what it names only if its author takes part there, or is oneself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import combinations

from clients.mail.replies import ReplyHeaders


def may_join(author: str, people: Iterable[str], account: str) -> bool:
    """Return whether the author of a mail joins it to others, which these people wrote or received."""
    return bool(author) and (author == account.lower() or author in people)


def named_by(one: ReplyHeaders, others: Iterable[ReplyHeaders]) -> list[str]:
    """Return the ids that the author of a mail put into it, without those that come from the ones of `others` it names.

    Whoever answers a stranger's mail takes over its references, and does not answer for them.
    """
    inherited = {name for other in others if other.own in one.earlier for name in other.earlier}
    return [name for name in one.earlier if name not in inherited]


def together(mails: Sequence[ReplyHeaders], account: str) -> list[int]:
    """Return a number for the conversation of each mail: mails with the same one belong together.

    Mails that name one that is not here belong together if the author of each takes part in the other's conversation.
    """
    return _Groups(mails, account.lower()).numbers()


def firsts(
    chains: Sequence[ReplyHeaders], others: Sequence[ReplyHeaders], account: str, unsure: Collection[str] = ()
) -> list[str]:
    """Return the id of the conversation of each mail: the Message-ID of its first mail, as far as these mails tell.

    `others` are mails that are not asked for, but may connect them; `unsure`: ids of mails that may exist, but were not
    looked for. A mail whose author does not take part in the conversation that it names gets an id of its own.
    """
    every = [*chains, *others]
    numbers = together(every, account)
    held = _places((one.own, number) for one, number in zip(every, numbers, strict=True) if one.own)
    answers = {name for one in every for name in [*one.earlier[1:], *([one.own] if one.earlier else [])]}

    def is_later(numbered: tuple[ReplyHeaders, int]) -> tuple[bool, bool]:
        one, number = numbered
        return any(number in held.get(name, ()) for name in one.earlier), one.first in answers

    found: dict[int, str] = {}
    for one, number in sorted(zip(every, numbers, strict=True), key=is_later):
        is_its_own = one.first not in unsure and number in held.get(one.first, [number])
        found.setdefault(number, one.first if is_its_own else one.own)
    return [found[number] for number in numbers[: len(chains)]]


class _Groups:
    """Mails that belong together, which grow until nothing joins them any more."""

    def __init__(self, mails: Sequence[ReplyHeaders], account: str) -> None:
        self._mails, self._account = mails, account
        self._number = list(range(len(mails)))
        self._people = {place: set(one.people) for place, one in enumerate(mails)}
        self._holders = _places((one.own, place) for place, one in enumerate(mails) if one.own)
        named = [(name, place) for place in range(len(mails)) for name in self._named(place)]
        self._named_here = [(place, name) for name, place in named if name in self._holders]
        self._named_elsewhere = _places((name, place) for name, place in named if name not in self._holders)

    def _named(self, place: int) -> list[str]:
        one = self._mails[place]
        return named_by(one, (self._mails[held] for name in one.earlier for held in self._holders.get(name, ())))

    def numbers(self) -> list[int]:
        """Return the number of each mail's group."""
        while sum(self._joined(*pair) for pair in self._pairs()):
            pass
        return [self._of(place) for place in range(len(self._mails))]

    def _of(self, place: int) -> int:
        while self._number[place] != place:
            place = self._number[place]
        return place

    def _pairs(self) -> Iterator[tuple[int, int, Sequence[tuple[int, int]]]]:
        """Yield two mails that may belong together, and who has to take part in whose group for that."""
        for place, name in self._named_here:
            for held in self._holders[name]:
                yield place, held, [(place, held)]
        known = set[tuple[int, int]]()  # many mails may name the same mails that are not here
        for places in self._named_elsewhere.values():
            for pair in combinations({self._of(one): one for one in places}.values(), 2):
                if pair not in known:
                    known.add(pair)
                    place, other = pair
                    yield place, other, [(place, other), (other, place)]

    def _joined(self, place: int, other: int, who: Sequence[tuple[int, int]]) -> bool:
        """Join the groups of two mails; return whether they were two and may be one."""
        own, its = self._of(place), self._of(other)
        if own == its or not all(self._may_join(one, self._of(there)) for one, there in who):
            return False
        self._number[its] = own
        self._people[own] |= self._people.pop(its)
        return True

    def _may_join(self, place: int, group: int) -> bool:
        return may_join(self._mails[place].author, self._people[group], self._account)


def _places(named: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name, place in named:
        found.setdefault(name, []).append(place)
    return found
