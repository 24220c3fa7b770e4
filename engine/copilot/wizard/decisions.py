"""Several decisions in one request: "bug mails become issues in acme/app, task mails become pages in Notion Tasks"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from engine.copilot.wizard import meanings
from engine.copilot.wizard.clauses import Clause, clauses_of, masked, times_of_one, unknown_words
from engine.copilot.wizard.meanings import OTHER, UNSURE, MailKind
from engine.copilot.wizard.records import Chosen
from engine.copilot.wizard.times import NoSuchTime, times_of
from engine.expressions.patterns import encodable, linear

_NAME = r"[\pL\d_-]+(?: [\pL\d_-]+)?"
_DECLARED = (
    rf"(?i)\b(?:sort|split|sortiere?|teile)\b(?P<what>[^,;.:!?]*?) (?:into|in) "
    rf"(?P<kinds>{_NAME}(?:, {_NAME})*,? (?:and|or|und|oder) {_NAME}) ?(?:[:.;!,]|$)"
)
_ALONE = re.compile(r"\b(?:tasks?|to-?dos?|aufgaben?|spam|junk|werbe)[- ]?(?:e-?)?mails?\b", re.IGNORECASE)
"""Kinds that only a model can tell, and that one decision may be about, too."""
_AND = re.compile(r"^(?:and|und) ", re.IGNORECASE)
_TAKES_TEXT = ("label", "answer", "record")
_SORTING = frozenset("sort split sortiere teile inbox mailbox gmail postfach posteingang".split())


class Decisions(Struct, frozen=True):
    """What becomes of the items of each kind."""

    kinds: Mapping[str, str]
    """The kinds, each with what it means."""
    targets: tuple[Chosen, ...]
    left: tuple[str, ...]
    """The words that nothing was made of."""
    cron: str
    is_new: bool
    """Whether each new item starts the workflow."""


class _Reading(Struct):
    """What was made of the clauses so far."""

    targets: list[Chosen] = field(default_factory=list)
    kinds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The kinds that were named, in their order, each with what was said of it first."""
    left: list[str] = field(default_factory=list)
    subjects: int = 0
    """How many clauses say what they are about themselves."""
    last: tuple[str, ...] = ()
    """The kinds of the last decision; `("",)`: every item."""
    waiting: tuple[str, ...] = ()
    """The kinds that a clause without a target has named: `if it is a bug, …`."""
    waits: list[str] = field(default_factory=list)
    unused: list[Clause] = field(default_factory=list)
    """Clauses that name a kind, and of which nothing was made."""

    def add(self, clause: Clause) -> None:
        """Make a decision of a clause, or keep what it says for the next one."""
        targets = self._targets(clause)
        if clause.kinds and not targets and not clause.is_condition:
            self.unused.append(clause)
            return
        self.left += clause.unknown
        if targets:
            self._decide(clause, targets)
        elif clause.kinds or clause.is_of_all:
            self.waiting = tuple(dict.fromkeys([*(one for one in self.waiting if one), *(clause.kinds or ("",))]))
            self.waits.append(clause.text)
        elif clause.quoted:
            self.left.append(clause.text)

    def end(self) -> None:
        """Leave over what no decision followed."""
        self.left += self.waits if any(self.waiting) else []
        self.subjects += any(one not in self.kinds for one in self.waiting if one)
        self.left += [_AND.sub("", one.text) for one in self.unused]
        self.subjects += len([one for one in self.unused if not set(one.kinds) <= set(self.kinds)])

    def _targets(self, clause: Clause) -> Sequence[Chosen]:
        """Return the targets of a clause; `also "x"` is one more label."""
        if clause.targets or not clause.quoted or not self.targets or self.targets[-1].target != "label":
            return clause.targets
        return [Chosen(target="label", places={"labels": one}) for one in clause.quoted]

    def _decide(self, clause: Clause, targets: Sequence[Chosen]) -> None:
        subject = self._subject(clause)
        if not subject or _is_unclear(clause):
            self.left.append(clause.text)
            return
        self.targets += [one.model_copy(update={"when": kind}) for kind in subject for one in targets]
        said = [*self.waits, *clause.quoted] if self.waits else [clause.text]
        self.kinds |= {one: tuple(said) for one in subject if one and one not in self.kinds}
        self.last, self.waiting = subject, ()
        self.waits.clear()

    def _subject(self, clause: Clause) -> tuple[str, ...]:
        """Return the kinds that a clause is about; empty if it does not say."""
        named = [one for one in self.waiting if one]
        if clause.kinds or named or clause.is_of_all or self.waiting:
            self.subjects += 1
            return tuple(dict.fromkeys([*named, *clause.kinds])) or ("",)
        is_same = clause.is_of_same or clause.is_joined or not clause.targets
        return self.last if is_same else ()


def _is_unclear(clause: Clause) -> bool:
    """Return whether a clause does not say what its quoted text is: a label, an answer, or words to look for."""
    takes_text = len(clause.targets) == 1 and clause.targets[0].target in _TAKES_TEXT
    return bool(clause.quoted) and bool(clause.targets) and not (takes_text and len(clause.quoted) == 1)


def decided(text: str) -> Decisions | None:
    """Return the decisions of a request; None if it has only one, or no clock shows its time."""
    said = encodable(" ".join(text.split()))
    try:
        times = times_of(masked(said))
    except NoSuchTime:
        return None
    is_new = bool(meanings.IS_NEW.search(masked(said)))
    of_one = times_of_one(said, times.used)
    for one in sorted(times.used, key=len, reverse=True):
        said = said.replace(one, " ", 1)
    said = meanings.NOTHING_MORE.sub(" ", " ".join(said.split()))
    before, declared, after, unknown = _declared(said)
    known = [*(declared or meanings.DECIDED), UNSURE, OTHER]
    reading = _Reading(left=[*of_one, *unknown])
    for clause in [*clauses_of(before, known), *clauses_of(after, known)]:
        reading.add(clause)
    reading.end()
    is_alone = bool(reading.targets) and bool(_ALONE.search(masked(said)))
    is_several = reading.subjects > (0 if declared else 1) and (bool(declared) or bool(reading.targets))
    return _all(reading, declared, known, times.cron, is_new=is_new) if is_several or is_alone else None


def _declared(said: str) -> tuple[str, list[MailKind], str, tuple[str, ...]]:
    """Return what is said before and after "sort my mail into a, b and c", the kinds, and its unknown words."""
    found = linear(_DECLARED).search(masked(said))
    if found is None:
        return "", [], said, ()
    names = re.split(r",? (?:and|or|und|oder) |, ", found["kinds"])
    kinds = [one for name in names if not OTHER.words.fullmatch(name) for one in [_kind(name)]]
    unknown = unknown_words(found["what"], _SORTING)
    return said[: found.start()], kinds, said[found.end() :], unknown


def _kind(name: str) -> MailKind:
    """Return a kind that a person has named: one that is known, or one that means what it is called."""
    known = next((one for one in [*meanings.DECIDED, UNSURE] if one.words.fullmatch(name)), None)
    ending = re.compile(
        rf"\b{re.escape(name.removesuffix('s'))}(?:s|es|e|n|en)?(?:[- ]?(?:e-?)?mails?)?\b", re.IGNORECASE
    )
    return known or MailKind(name, name, ending)


def _all(
    reading: _Reading, declared: Sequence[MailKind], known: Sequence[MailKind], cron: str, *, is_new: bool
) -> Decisions:
    names = {one.name: one.meaning for one in known}
    used = [*dict.fromkeys([*(one.name for one in declared), *reading.kinds])]
    left, targets = reading.left, reading.targets
    if set(used) == {UNSURE.name}:  # unsure of what?
        left += reading.kinds[UNSURE.name]
    if declared and not any(one.when for one in targets):
        labels = [Chosen(target="label", places={"labels": one.name}, when=one.name) for one in declared]
        targets = [*labels, *targets]
    return Decisions({one: names[one] for one in used}, tuple(targets), tuple(dict.fromkeys(left)), cron, is_new)
