"""What the language promises of a run, as plain recursion over the workflow's JSON: the judge of what an engine did.

It knows nothing of the engine. It walks the document of a workflow beside what a run shows of it, and says of each
step and item what it may be, what must have been done before it, and how often the service must have been asked.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from assurance.semantics.service import HAS_EFFECT, Request, Word

Step = Mapping[str, Any]
Known = Literal["none", "open", "done", "unknown"]
"""What the ledger may know of a write: nothing, that it was about to go out, its receipt, or that nobody can tell."""
Cut = Literal["", "cancelled", "crashed"]

_AMBIGUOUS = frozenset({"503", "503_after", "cut", "cut_after"})
_NOT_ENDED = frozenset({None, "pending", "running", "cancelled"})
_FINISHED = frozenset({"succeeded", "skipped"})


@dataclass(frozen=True)
class Called:
    """How a call ends: the step's status, how many requests it takes, what the ledger knows then."""

    status: str
    requests: int
    known: Known


def called(kind: str, attempts: int, word: Callable[[int], Word], known: Known, *, is_made: bool) -> Called:
    """Return how a call ends whose n-th request is answered by `word(n)`; `is_made`: an earlier one had its effect."""
    if kind == "read":
        return _read(attempts, word)
    if known == "done":
        return Called("succeeded", 0, "done")
    if known == "unknown" or (known == "open" and kind == "unfindable"):
        return Called("failed", 0, "unknown")
    if known == "open" and kind == "findable" and is_made:
        return Called("succeeded", 0, "done")
    return _sent(kind, attempts, word, is_made=is_made)


def _read(attempts: int, word: Callable[[int], Word]) -> Called:
    for number in range(attempts):
        if word(number) == "ok":
            return Called("succeeded", number + 1, "none")
        if word(number) == "400":
            return Called("failed", number + 1, "none")
    return Called("failed", attempts, "none")


def _sent(kind: str, attempts: int, word: Callable[[int], Word], *, is_made: bool) -> Called:
    """Send until it is known to be done, is refused for good, cannot be told, or has no attempt left."""
    for number in range(attempts):
        said = word(number)
        is_made = is_made or said in HAS_EFFECT
        if said == "ok":
            return Called("succeeded", number + 1, "done")
        if said == "400":
            return Called("failed", number + 1, "none")
        if said in _AMBIGUOUS and kind == "unfindable":
            return Called("failed", number + 1, "unknown")
        if said in _AMBIGUOUS and kind == "findable" and is_made:
            return Called("succeeded", number + 1, "done")
    left_open = kind == "safe" and word(attempts - 1) in _AMBIGUOUS
    return Called("failed", attempts, "open" if left_open else "none")


# --- the few expressions that the random workflows use


@dataclass(frozen=True)
class Names:
    """What expressions see: the inputs, loop variables, and the steps that have ended."""

    inputs: Mapping[str, Any]
    loops: Mapping[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    def inside(self, **loops: str) -> Names:
        """Return the names inside a group or item: more to see, and nothing of it is seen from outside."""
        return Names(self.inputs, {**self.loops, **loops}, dict(self.steps))


def value_of(text: Any, names: Names) -> Any:
    """Return the value of a field."""
    if not isinstance(text, str) or not text.startswith("{{"):
        return text
    inner = text.strip("{} ")
    for pattern, meaning in _FORMS:
        found = re.fullmatch(pattern, inner)
        if found:
            return meaning(names, *found.groups())
    raise ValueError(text)


def _number(names: Names, step: str) -> int:
    return int((names.steps[step].get("output") or {}).get("n", -1))


_FORMS: list[tuple[str, Callable[..., Any]]] = [
    (r"inputs\.(\w+)", lambda names, name: names.inputs[name]),
    (r"size\(inputs\.(\w+)\)", lambda names, name: len(names.inputs[name])),
    (r"steps\.(\w+)\.status == '(\w+)'", lambda names, step, word: names.steps[step]["status"] == word),
    (r"default\(steps\.(\w+)\.output\.n, -1\)", _number),
    (r"default\(steps\.(\w+)\.output\.n, -1\) == (\d+)", lambda names, step, n: _number(names, step) == int(n)),
    (r"default\(steps\.(\w+)\.output\.n, -1\) \+ (\d+)", lambda names, step, n: _number(names, step) + int(n)),
    (r"(\w+) (==|!=) '(\w+)'", lambda names, loop, sign, word: (names.loops[loop] == word) == (sign == "==")),
    (r"(\w+)", lambda names, loop: names.loops[loop]),
]


# --- one walk


@dataclass(frozen=True)
class Place:
    """Where a block stands: its run path, the items around it, and whether each of their loops has a key."""

    prefix: str = ""
    values: tuple[str, ...] = ()
    indexes: tuple[int, ...] = ()
    is_keyed: bool = True


@dataclass(frozen=True)
class Part:
    """How a part of the workflow came out."""

    state: Literal["good", "bad", "open"]
    """`good`: what needs it may start; `bad`: it failed and nothing caught that; `open`: it has not ended."""
    first: int | None = None
    last: int | None = None
    """When its first request of this attempt came, and when the last one was answered."""
    lacks: str = ""
    """A step that could have run and has not; only a failure beside it excuses that."""
    is_fresh: bool = True
    """Of bad ones: it failed in this attempt, so that it excuses others."""
    ends_as: str = ""
    """Of open ones: all in it has ended, and this is the status that it was about to have.

    Nobody waits until the disk has that: after a crash, the first reads of what needs it may be all there is."""

    @property
    def is_over(self) -> bool:
        """Tell whether what needs it may start."""
        return self.state == "good" or bool(self.ends_as)


class Judge:
    """All runs of one workflow: what the ledger knows, what was asked, what each run has done so far."""

    def __init__(self, document: Mapping[str, Any], script: Callable[[str, int], Word]) -> None:
        self.document, self.script = document, script
        self.ledger: dict[Any, set[Known]] = defaultdict(lambda: {"none"})
        self.asked: Counter[str] = Counter()
        self.urls: dict[Any, set[str]] = defaultdict(set)
        self.asker: dict[Any, str] = {}
        """Which run met an unknown outcome last: that one gets a person's answer."""
        self.allowed: Counter[Any] = Counter()
        """How many things more than one a person has allowed to be made (by saying that it is to be done again)."""

    def judge(
        self,
        run: Mapping[str, Any],
        before: Mapping[str, Any] | None,
        requests: Mapping[str, Sequence[Request]],
        made: Mapping[str, int],
        cut: Cut = "",
    ) -> None:
        """Compare one attempt (from start or resume to its end) with what the workflow says; raises AssertionError.

        `run` and `before` are the run's documents after it and before it (None: it is new), `requests` what the
        service was asked meanwhile, by path, `made` how many things each path has made at all.
        """
        _Walk(self, run, before, requests, made, cut).check()

    def answered(self, run_id: str, *, is_done: bool) -> bool:
        """Take a person's word for the writes of a run whose outcome is unknown; tell whether there must be one."""
        certain = False
        for identity, known in self.ledger.items():
            if "unknown" in known and self.asker.get(identity) == run_id:
                certain = certain or known == {"unknown"}
                self.ledger[identity] = (known - {"unknown"}) | {"done" if is_done else "none"}
                self.allowed[identity] += not is_done
        return certain

    def check_effects(self, made: Mapping[str, int]) -> None:
        """Each write has had its effect once at most, over all runs and whatever happened in between."""
        for identity, urls in self.urls.items():
            count = sum(made.get(url, 0) for url in urls)
            assert count <= 1 + self.allowed[identity], f"{identity} was made {count} times"


class _Walk:
    def __init__(
        self,
        judge: Judge,
        run: Mapping[str, Any],
        before: Mapping[str, Any] | None,
        requests: Mapping[str, Sequence[Request]],
        made: Mapping[str, int],
        cut: Cut,
    ) -> None:
        self._judge, self._run, self._cut = judge, run, cut
        self._requests, self._made = requests, made
        self._seen = {step["path"]: step for step in run["steps"]}
        self._before = {step["path"]: step["status"] for step in before["steps"]} if before else {}
        self._visited: set[str] = set()

    def check(self) -> None:
        """Walk all of it, then look at what stands over the steps."""
        names = Names(self._run["inputs"])
        part = self._block(self._judge.document["steps"], Place(), names, may_start=True)
        stray = self._requests.keys() - self._visited
        assert not stray, f"nothing should have asked {stray}"
        if not self._cut:
            assert not part.lacks, f"{part.lacks} could have run and did not"
            assert self._run["status"] == {"good": "succeeded", "bad": "failed"}[part.state]
        if self._run["status"] == "succeeded":
            expected = {name: value_of(text, names) for name, text in self._judge.document["outputs"].items()}
            assert self._run["outputs"] == expected
        self._counts()

    def _counts(self) -> None:
        calls = [step["status"] for path, step in self._seen.items() if step["uses"]]
        items = [step["status"] for path, step in self._seen.items() if path.endswith("]")]
        expected = {
            "steps": calls.count("succeeded") + calls.count("failed"),
            "failed_steps": calls.count("failed"),
            "items": len(items),
            "failed_items": items.count("failed"),
        }
        assert {name: self._run["counts"][name] for name in expected} == expected

    # --- blocks

    def _block(self, steps: Sequence[Step], place: Place, names: Names, *, may_start: bool) -> Part:
        parts: dict[str, Part] = {}
        for step in steps:
            needs = step.get("needs", list(parts))
            ready = may_start and all(parts[name].is_over for name in needs)
            part = self._step(step, place, names, may_start=ready)
            is_told = f"{place.prefix}{step['id']}" in self._seen
            assert not (ready and is_told) or all(parts[name].state == "good" for name in needs), "told out of order"
            for name in needs:
                _assert_order(parts[name], part, f"{place.prefix}{step['id']} ran before {name} had ended")
            parts[step["id"]] = part
        return _together(list(parts.values()), is_excusing=True)

    def _step(self, step: Step, place: Place, names: Names, *, may_start: bool) -> Part:
        path = f"{place.prefix}{step['id']}"
        was, seen = self._before.get(path), self._status(path)
        if was in _FINISHED or (was == "failed" and step.get("on_error") == "continue"):
            self._assert_unchanged(path)
            names.steps[step["id"]] = {"status": was, "output": self._seen[path]["output"]}
            return Part("good")
        if not may_start:
            self._assert_unchanged(path)
            return Part("open")
        if not value_of(step.get("if", True), names):
            assert seen == "skipped" or seen in _NOT_ENDED, f"{path} should be skipped and is {seen}"
            assert not self._beneath(path), f"{path} is skipped and something in it has run"
            part = Part("good") if seen == "skipped" else Part("open", lacks=path, ends_as="skipped")
        else:
            assert seen != "skipped", f"{path} is skipped though its condition holds"
            part = self._caught(step, path, self._own(step, path, place, names), place, names)
            if seen in _NOT_ENDED and part.state == "good":
                part = replace(part, state="open", ends_as="succeeded")  # cut off before its own end
        if part.state == "good":
            names.steps[step["id"]] = {"status": seen, "output": self._seen[path]["output"]}
        elif part.ends_as:
            names.steps[step["id"]] = {"status": part.ends_as}
        return part

    def _own(self, step: Step, path: str, place: Place, names: Names) -> Part:
        """Judge the step itself, before `on_error`."""
        if self._before.get(path) == "failed" and isinstance(step.get("on_error"), dict):
            return Part("bad", is_fresh=False)  # it is only the fallback that goes on
        if "uses" in step:
            return self._call(step, path, place, names)
        if "foreach" in step:
            return self._loop(step, path, place, names)
        part = self._block(step["steps"], replace(place, prefix=f"{path}."), names.inside(), may_start=True)
        self._composed(path, part, "succeeded" if part.state == "good" else "failed")
        return part

    def _composed(self, path: str, part: Part, expected: str) -> None:
        """Look at the status of a group, loop or item, whose parts ended as `part`."""
        if not self._cut and part.first is not None:
            assert not part.lacks, f"{part.lacks} could have run in {path} and did not"
        seen = self._status(path)
        if part.state == "open" or (part.state == "bad" and not part.is_fresh) or self._cut:
            allowed = {*_NOT_ENDED, self._before.get(path), *([] if part.state == "open" else [expected, "succeeded"])}
        else:
            allowed = {expected, "succeeded"} if self._has_fallback(path) else {expected}
        assert seen in allowed, f"{path} is {seen}, not {expected}"

    def _has_fallback(self, path: str) -> bool:
        return bool(self._seen.get(path, {}).get("fallback"))

    def _caught(self, step: Step, path: str, part: Part, place: Place, names: Names) -> Part:
        """Apply `on_error`."""
        on_error = step.get("on_error", "fail")
        seen = self._status(path)
        if part.state != "bad" or on_error == "fail":
            return part
        if on_error == "continue":
            return replace(part, state="good") if seen == "failed" else replace(part, state="open", ends_as="failed")
        inside = replace(place, prefix=f"{path}.")
        rescue = self._block(on_error["steps"], inside, names.inside(), may_start=True)
        _assert_order(part, rescue, f"{path}: the fallback ran before the step had ended")
        if rescue.state == "good" and not self._cut:
            assert seen == "succeeded", f"{path} is {seen} though its fallback has run"
        if rescue.state == "good" and seen != "succeeded":
            rescue = replace(rescue, state="open", ends_as="succeeded")
        return replace(rescue, first=_least(part.first, rescue.first), last=_most(part.last, rescue.last))

    # --- loops

    def _loop(self, step: Step, path: str, place: Place, names: Names) -> Part:
        items = value_of(step["foreach"], names)
        if items and f"{path}[0]" not in self._seen:
            self._assert_unchanged(path)
            assert self._status(path) in _NOT_ENDED, f"{path} has ended without an item"
            # Nobody waits until the disk has it that a loop began: after a crash, its first reads may be all there is.
            parts = [self._item(step, path, index, value, place, names) for index, value in enumerate(items)]
            return replace(_together(parts, is_excusing=True), state="open", lacks=path)
        if not items and self._status(path) in _NOT_ENDED:
            return Part("open", lacks=path, ends_as="succeeded")  # nobody came to it
        parts = [self._item(step, path, index, value, place, names) for index, value in enumerate(items)]
        self._assert_abreast(parts, step.get("parallel", 1), path)
        rule = step.get("on_item_error", "stop")
        if rule == "stop":
            self._assert_in_turn(path, len(items))
        if rule == "drop":
            parts = [replace(part, state="good") if part.state == "bad" else part for part in parts]
        part = _together(parts, is_excusing=rule == "stop")
        self._composed(path, part, "succeeded" if part.state == "good" else "failed")
        return part

    def _item(self, step: Step, loop: str, index: int, value: str, place: Place, names: Names) -> Part:
        path = f"{loop}[{index}]"
        was = self._before.get(path)
        is_dropped = was == "failed" and step.get("on_item_error") == "drop"
        if was == "succeeded" or is_dropped:
            self._assert_unchanged(path)
            return Part("good")
        inside = Place(
            f"{path}.", (*place.values, value), (*place.indexes, index), place.is_keyed and step.get("key") is not None
        )
        part = self._block(step["steps"], inside, names.inside(**{step["as"]: value}), may_start=True)
        self._composed(path, part, "succeeded" if part.state == "good" else "failed")
        return part

    def _assert_abreast(self, parts: Sequence[Part], parallel: int, path: str) -> None:
        """No more items than `parallel` were at work at once."""
        moments = [(part.first, 1) for part in parts if part.first is not None]
        moments += [(part.last, -1) for part in parts if part.last is not None and part.first is not None]
        at_once = 0
        for _, change in sorted(moments):
            at_once += change
            assert at_once <= parallel, f"{path}: more than {parallel} items at once"

    def _assert_in_turn(self, path: str, count: int) -> None:
        """Items begin in the order of the list: none has begun behind one that has not."""
        begun = [self._seen[f"{path}[{index}]"]["started_at"] is not None for index in range(count)]
        assert self._cut or begun == sorted(begun, reverse=True), f"{path}: items began out of turn"

    # --- calls

    def _call(self, step: Step, path: str, place: Place, names: Names) -> Part:
        if step["uses"].startswith("flow."):
            return self._pure(step, path, names)
        kind, attempts = _kind(step), step.get("retry", {"attempts": 3})["attempts"]
        url = "/".join(["", self._run["inputs"]["base"].rsplit("/", 1)[-1], step["id"], *place.values])
        asked = list(self._requests.get(url, ()))
        self._visited.add(url)
        identity = self._identity(step, place, url)
        judge = self._judge
        start = judge.asked[url]
        judge.asked[url] += len(asked)
        is_made = any(self._made.get(one, 0) for one in judge.urls[identity])
        was_made = is_made and not any(request.word in HAS_EFFECT for request in asked)
        first = asked[0].came if asked else None
        last = max((request.went or request.came for request in asked), default=None)
        fits = [
            end
            for known in judge.ledger[identity]
            for end in [called(kind, attempts, lambda n: judge.script(url, start + n), known, is_made=was_made)]
            if end.status == self._own_status(path) and end.requests == len(asked)
        ]
        is_stale = self._before.get(path) == "failed" and not fits
        if self._own_status(path) in _NOT_ENDED or is_stale:
            assert self._cut or not asked, f"{path} was begun and not ended"
            assert kind == "read" or not asked or path in self._seen, f"{path} was sent before the disk had it"
            self._maybe_out(identity, kind, is_asked=bool(asked), is_made=is_made)
            return Part("bad" if is_stale else "open", first, last, lacks=path, is_fresh=False)
        assert fits, f"{path} is {self._own_status(path)} after {[request.word for request in asked]}"
        judge.ledger[identity] = {end.known for end in fits}
        if self._cut and self._before.get(path) == "failed":
            self._maybe_out(identity, kind, is_asked=bool(asked), is_made=is_made)
        if any(end.known == "unknown" for end in fits):
            judge.asker[identity] = self._run["run_id"]
        if self._own_status(path) == "succeeded" and kind != "read":
            assert is_made or judge.allowed[identity] or fits[0].requests == 0, f"{path} succeeded without an effect"
        return Part("good" if self._own_status(path) == "succeeded" else "bad", first, last)

    def _pure(self, step: Step, path: str, names: Names) -> Part:
        seen = self._own_status(path)
        if seen in _NOT_ENDED:
            return Part("open", lacks=path)
        fields = step["with"]
        if step["uses"] == "flow.assert":
            expected = "succeeded" if value_of(fields["condition"], names) else "failed"
        else:
            expected = "succeeded"
            output = {"n": value_of(fields["values"]["n"], names)}
            assert self._seen[path]["output"] == output, f"{path} gave {self._seen[path]['output']}, not {output}"
        assert seen == expected, f"{path} is {seen}, not {expected}"
        return Part("good" if seen == "succeeded" else "bad")

    def _identity(self, step: Step, place: Place, url: str) -> Any:
        if place.values and place.is_keyed:
            identity: Any = (step["id"], place.values)
        else:
            identity = (step["id"], self._run["run_id"], place.indexes)
        self._judge.urls[identity].add(url)
        return identity

    def _maybe_out(self, identity: Any, kind: str, *, is_asked: bool, is_made: bool) -> None:
        """A call was broken off: say what the ledger may know of it now."""
        known = self._judge.ledger[identity]
        if kind == "read" or not self._cut:
            return
        if is_asked:
            known.update(("none", "open", "unknown"))
            known.update(("done",) if is_made else ())
        elif self._cut == "crashed":
            known |= {"open"}
        self._judge.asker[identity] = self._run["run_id"]

    # --- what the run shows

    def _status(self, path: str) -> str | None:
        return self._seen[path]["status"] if path in self._seen else None

    def _own_status(self, path: str) -> str | None:
        return "failed" if self._has_fallback(path) else self._status(path)

    def _beneath(self, path: str) -> list[str]:
        return [one for one in self._seen if one.startswith((f"{path}.", f"{path}["))]

    def _assert_unchanged(self, path: str) -> None:
        """What has ended, and what may not begin, stays as it was."""
        for one in [path, *self._beneath(path)]:
            was, seen = self._before.get(one), self._status(one)
            same = was == seen or (was in _NOT_ENDED and seen in _NOT_ENDED)
            assert same, f"{one} was {was} and is {seen}"


def _kind(step: Step) -> str:
    if step["uses"] == "counter.add":
        return "findable"
    if step["with"]["method"] == "GET":
        return "read"
    return "safe" if "idempotency_header" in step["with"] else "unfindable"


def _together(parts: Sequence[Part], *, is_excusing: bool) -> Part:
    """Sum up siblings or items; `is_excusing`: a fresh failure of one is a reason for others not to have begun."""
    bad = [part for part in parts if part.state == "bad"]
    is_fresh = any(part.is_fresh for part in bad)
    lacks = [
        part.lacks
        for part in parts
        if part.lacks and not (is_excusing and any(one.is_fresh and one is not part for one in bad))
    ]
    is_open = any(part.state == "open" for part in parts)
    return Part(
        "bad" if bad else "open" if is_open else "good",
        min((part.first for part in parts if part.first is not None), default=None),
        max((part.last for part in parts if part.last is not None), default=None),
        lacks=next(iter(lacks), ""),
        is_fresh=is_fresh,
        ends_as="succeeded" if is_open and all(part.is_over for part in parts) else "",
    )


def _assert_order(earlier: Part, later: Part, message: str) -> None:
    assert earlier.last is None or later.first is None or earlier.last < later.first, message


def _least(one: int | None, other: int | None) -> int | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)


def _most(one: int | None, other: int | None) -> int | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)
