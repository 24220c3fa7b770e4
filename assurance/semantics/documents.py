"""Random workflows for hypothesis: every way of nesting, ordering and catching, over pure steps and scripted calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from assurance.semantics.service import Word

LISTS: Mapping[str, list[str]] = {"none": [], "one": ["a"], "two": ["a", "b"], "four": ["a", "b", "c", "d"]}
_WORDS: tuple[Word, ...] = ("429", "503", "503_after", "cut", "cut_after", "400")
_FOREVER: tuple[Word, ...] = ("400", "503")
_KINDS = ("call", "call", "call", "loop", "loop", "group", "set", "assert")
_DEEPEST = 3


@dataclass(frozen=True)
class Fault:
    """How a step's first requests are answered, at one item (`victim`, None: everywhere); `forever`: ever after."""

    words: tuple[Word, ...] = ()
    forever: Word | None = None
    victim: str | None = None


@dataclass
class Case:
    """A workflow and how the service treats its steps."""

    steps: list[dict[str, Any]]
    outputs: dict[str, Any]
    faults: dict[str, Fault] = field(default_factory=dict)
    is_healed: bool = False

    def document(self) -> dict[str, Any]:
        """Return the workflow file."""
        properties: dict[str, Any] = {name: {"type": "array", "items": {"type": "string"}} for name in LISTS}
        properties |= {"base": {"type": "string"}, "yes": {"type": "boolean"}, "no": {"type": "boolean"}}
        inputs = {"type": "object", "properties": properties}
        return {"schema_version": 1, "title": "work", "inputs": inputs, "steps": self.steps, "outputs": self.outputs}

    def script(self, path: str, number: int) -> Word:
        """Return the answer to request `number` of a path `/<run>/<step>/<item>…`."""
        _, _, step, *items = path.split("/")
        fault = self.faults.get(step, Fault())
        if fault.victim is not None and fault.victim not in items:
            return "ok"
        if number < len(fault.words):
            return fault.words[number]
        return "ok" if fault.forever is None or self.is_healed else fault.forever


@dataclass
class _Around:
    """What a block may refer to."""

    steps: list[str] = field(default_factory=list)
    setters: list[str] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)

    def inside(self, *loops: str) -> _Around:
        return _Around(list(self.steps), list(self.setters), [*self.loops, *loops])


class _Maker:
    """Draws one workflow; `room` is how many steps it may still have."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.room = draw(st.integers(3, 16))
        self.count = 0
        self.faults: dict[str, Fault] = {}

    def chance(self, of: int) -> bool:
        """Return True once in `of` times; shrinks to False."""
        return bool(self.draw(st.integers(0, of - 1)) == of - 1)

    def block(self, around: _Around, depth: int) -> list[dict[str, Any]]:
        """Draw siblings."""
        steps: list[dict[str, Any]] = []
        beside = self.chance(3)
        closures: dict[str, set[str]] = {}
        for _ in range(self.draw(st.integers(1, 4))):
            if steps and self.room <= 0:
                break
            earlier = [step["id"] for step in steps]
            needs = None
            if beside and not self.chance(4):
                needs = self.draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2)) if earlier else []
            closure = set(earlier) if needs is None else {*needs, *(one for name in needs for one in closures[name])}
            seen = _Around(
                [*around.steps, *(one for one in earlier if one in closure)],
                [
                    *around.setters,
                    *(one["id"] for one in steps if one.get("uses") == "flow.set" and one["id"] in closure),
                ],
                around.loops,
            )
            step = self.step(seen, depth)
            if needs is not None:
                step["needs"] = needs
            closures[step["id"]] = closure
            steps.append(step)
        return steps

    def step(self, around: _Around, depth: int) -> dict[str, Any]:
        """Draw one step with all that may stand on it."""
        self.room -= 1
        self.count += 1
        step: dict[str, Any] = {"id": f"s{self.count}"}
        if self.chance(4):
            step["if"] = self.condition(around)
        kind = self.draw(st.sampled_from(_KINDS))
        if kind in ("loop", "group") and (depth >= _DEEPEST or self.room <= 0):
            kind = "call"
        getattr(self, f"_{kind}")(step, around, depth)
        if self.chance(4):
            step["on_error"] = "continue"
        elif self.chance(5) and depth < _DEEPEST and self.room > 0:
            step["on_error"] = {"steps": self.block(around.inside(), _DEEPEST)}
        return step

    def condition(self, around: _Around) -> str:
        """Draw an `if`."""
        forms = ["{{ inputs.yes }}", "{{ inputs.no }}"]
        forms += [f"{{{{ {loop} {sign} 'b' }}}}" for loop in around.loops for sign in ("==", "!=")]
        forms += [f"{{{{ steps.{one}.status == '{word}' }}}}" for one in around.steps for word in _STATUSES]
        forms += [f"{{{{ default(steps.{one}.output.n, -1) == 1 }}}}" for one in around.setters]
        return self.draw(st.sampled_from(forms))

    def _set(self, step: dict[str, Any], around: _Around, _depth: int) -> None:
        forms: list[Any] = [0, 1]
        forms += [f"{{{{ default(steps.{one}.output.n, -1) + 1 }}}}" for one in around.setters]
        step.update({"uses": "flow.set", "with": {"values": {"n": self.draw(st.sampled_from(forms))}}})

    def _assert(self, step: dict[str, Any], around: _Around, _depth: int) -> None:
        forms = ["{{ inputs.yes }}", "{{ inputs.yes }}", "{{ inputs.no }}"]
        forms += [f"{{{{ {loop} != 'b' }}}}" for loop in around.loops]
        step.update({"uses": "flow.assert", "with": {"condition": self.draw(st.sampled_from(forms))}})

    def _call(self, step: dict[str, Any], around: _Around, _depth: int) -> None:
        url = "/".join(["{{ inputs.base }}", step["id"], *(f"{{{{ {loop} }}}}" for loop in around.loops)])
        step["connection"] = "web"
        kind = self.draw(st.sampled_from(("findable", "read", "unfindable", "safe")))
        if kind == "findable":
            step.update({"uses": "counter.add", "with": {"url": url}})
        else:
            fields = {"method": "GET" if kind == "read" else "POST", "url": url}
            fields |= {"idempotency_header": "X-Marker"} if kind == "safe" else {}
            step.update({"uses": "http.request", "with": fields})
        if self.chance(3):
            step["retry"] = {"attempts": self.draw(st.integers(1, 4))}
        words = tuple(self.draw(st.lists(st.sampled_from(_WORDS), max_size=3))) if self.chance(3) else ()
        forever: Word | None = self.draw(st.sampled_from(_FOREVER)) if self.chance(8) else None
        victim = self.draw(st.sampled_from("abcd")) if around.loops and self.chance(2) else None
        self.faults[step["id"]] = Fault(words, forever, victim)

    def _group(self, step: dict[str, Any], around: _Around, depth: int) -> None:
        step["steps"] = self.block(around.inside(), depth + 1)

    def _loop(self, step: dict[str, Any], around: _Around, depth: int) -> None:
        name = f"l{step['id'][1:]}"
        step["foreach"] = f"{{{{ inputs.{self.draw(st.sampled_from(('two', 'four', 'one', 'none')))} }}}}"
        step["as"] = name
        if self.chance(2):
            step["key"] = f"{{{{ {name} }}}}"
        step["parallel"] = self.draw(st.integers(1, 3))
        step["on_item_error"] = self.draw(st.sampled_from(("stop", "continue", "drop")))
        step["steps"] = self.block(around.inside(name), depth + 1)


_STATUSES = ("succeeded", "failed", "skipped")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Return a workflow and how the service treats it."""
    maker = _Maker(draw)
    steps = maker.block(_Around(), 1)
    setters = [step["id"] for step in steps if step.get("uses") == "flow.set"]
    outputs = {"size": "{{ size(inputs.two) }}"}
    outputs |= {one: f"{{{{ default(steps.{one}.output.n, -1) }}}}" for one in setters}
    return Case(steps, outputs, maker.faults)
