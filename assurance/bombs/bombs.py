"""Two hundred workflows made to take a server's time or memory, from a seed: five families, forty each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

EACH = 40


@dataclass(frozen=True)
class Bomb:
    """One text of a workflow file, and what a run of it is given where it is one to run."""

    family: str
    number: int
    text: str
    inputs: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return f"{self.family}-{self.number}"


def bombs(seed: int) -> list[Bomb]:
    """Return all bombs of a seed."""
    return [
        make(family, number, Random(f"{seed} {family} {number}"))
        for family, make in _FAMILIES.items()
        for number in range(EACH)
    ]


def _set(step_id: str, value: Any) -> dict[str, Any]:
    return {"id": step_id, "uses": "flow.set", "with": {"values": {"value": value}}}


def _workflow(steps: list[Any], **more: Any) -> str:
    used = "{{ json(steps.last.output) }}"
    return json.dumps({"schema_version": 1, "steps": steps, "outputs": {"seen": used}, **more})


def _inputs(schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": schema}}


# --- patterns

_CORES = ["(a+)+", "(a|aa)+", "(a|a?)+", "(.*a){12}", "([a-z]+)*", "(a*)*b?", "((a{1,9})+)+", "(\\w+\\s?)+"]


def _pattern(family: str, number: int, random: Random) -> Bomb:
    source = (
        random.choice(["", "^"]) + random.choice(_CORES) + random.choice(_CORES) + random.choice(["$", "c$", "\\d"])
    )
    source = random.choice([source, source, "(" * 3 + "a{900}" + "){900}" * 3, f"(?={source})", "a" * 3000])
    text = "a" * random.choice([40, 400, 40_000]) + "!"
    schema = random.choice(
        [
            {"type": "string", "pattern": source, "default": text},
            {"type": "object", "patternProperties": {source: {"type": "integer"}}, "default": {text[:5000]: 1}},
            {"type": "object", "propertyNames": {"pattern": source}, "default": {text[:5000]: 1}},
            {
                "type": "object",
                "additionalProperties": False,
                "patternProperties": {source: {}},
                "default": {text[:999]: 1},
            },
            {
                "type": "string",
                "$schema": "http://json-schema.org/draft-07/schema#",
                "pattern": source,
                "default": text,
            },
        ]
    )
    return Bomb(family, number, _workflow([_set("last", "{{ inputs.x }}")], inputs=_inputs(schema)))


# --- expressions over an input, which a run brings


def _expression(family: str, number: int, random: Random) -> Bomb:
    list_of = "[1,2,3,4,5,6,7,8,9,10]"
    source = random.choice(
        [
            "inputs.x.replace('a', inputs.x)",
            "inputs.x.replace('', inputs.x)",
            "inputs.x.split('').map(c, inputs.x).join(inputs.x)",
            f"{list_of}.map(a, {list_of}.map(b, {list_of}.map(c, inputs.x)))",
            "[inputs.x].map(a, a + a)" + ".map(a, a + a)" * random.randint(8, 20),
            "[[inputs.x]].map(a, a + a)" + ".map(a, a + a)" * random.randint(8, 20),
            "'%s%s'.format([inputs.x, inputs.x])" + ".replace('a', inputs.x)",
            "json(inputs.x.split('').map(c, inputs.x))",
            "inputs.x.split('').map(a, inputs.x.split('').map(b, a + b))",
            "optional.of(inputs.x)" + ".optMap(v, v + v)" * random.randint(3, 30) + ".orValue('')",
            "inputs.x.matches('" + "(a?){900}" * random.randint(1, 3) + "b')",
        ]
    )
    steps = [_set("last", "{{ " + source + " }}")]
    if random.random() < 0.3:
        steps = [_set("one", "{{ " + source + " }}"), _set("last", ["{{ steps.one.output }}"] * 50)]
    if random.random() < 0.2:
        steps = [
            {
                "id": "last",
                "foreach": "{{ inputs.x.split('') }}",
                "parallel": 20,
                "steps": [_set("in", "{{ inputs.x }}")],
            }
        ]
    text = "a" * random.choice([3_000, 30_000, 100_000])
    return Bomb(family, number, _workflow(steps, inputs=_inputs({"type": "string"})), {"x": text})


# --- constants


def _constant(family: str, number: int, random: Random) -> Bomb:
    long = "a" * random.choice([100, 1_000, 10_000])
    source = random.choice(
        [
            f"'{long}'.replace('a', '{long}').replace('a', '{long}')",
            f"'{long}'.replace('', '{long}').split('').map(c, '{long}')",
            "['a']" + ".map(a, a + a)" * random.randint(20, 30),
            "[[1]]" + ".map(a, a + a)" * random.randint(20, 30),
            f"'{long}'" + ".split('')" + ".map(c, c + c)" * 20,
            "[" + "1," * 9_000 + "1].map(a, a)",
        ]
    )
    fields = {f"f{n}": "{{ " + source + " }}" for n in range(random.choice([1, 3, 10]))}
    return Bomb(family, number, _workflow([{"id": "last", "uses": "flow.set", "with": {"values": fields}}])[:990_000])


# --- nested and many


def _nested(family: str, number: int, random: Random) -> Bomb:
    size = random.choice([1_000, 2_000, 5_000, 9_000])
    make: list[Callable[[], str]] = [
        lambda: '{"schema_version": 1, "steps": ' + "[" * 10 * size + "]" * 10 * size + "}",
        lambda: '{"a":' * 10 * size + "1" + "}" * 10 * size,
        lambda: _workflow([_set(f"s{n}", "x") for n in range(size)]),
        lambda: _workflow([_set(f"s{n}", f"{{{{ steps.zz{n}.output }}}}") for n in range(size)]),
        lambda: _workflow([{**_set("same", "x")} for _ in range(size)]),
        lambda: _workflow([_set("last", {f"k{n}": "{{ inputs.x }}" for n in range(size)})], inputs=_inputs({})),
        lambda: _workflow([_set("last", "{{ inputs.x }}" * size)], inputs=_inputs({"type": "string"})),
        lambda: _workflow([_set("last", "{{ " + "x" * 5 * size + ".a + 1 }}")]),
        lambda: _workflow([_set("last", "{{ " + "(" * size + "1" + ")" * size + " }}")]),
        lambda: _workflow([_set("last", "{{ " + "||".join(["true"] * size) + " }}")]),
        lambda: _workflow([{**_set(f"s{n}", 1), "needs": [f"s{n - 1}"] * (n > 0)} for n in range(size // 4)]),
    ]
    return Bomb(family, number, random.choice(make)())


# --- schemas and huge values


def _huge(family: str, number: int, random: Random) -> Bomb:
    width = random.choice([4, 8, 12])
    deep = {f"a{n}": {"oneOf": [{"$ref": f"#/$defs/a{n + 1}"}] * width} for n in range(6)}
    fields = {
        f"a{n}": {"type": "object", "properties": {f"p{k}": {"$ref": f"#/$defs/a{n + 1}"} for k in range(width)}}
        for n in range(6)
    }
    end = {"a6": {"type": "integer"}}
    schema = random.choice(
        [
            {"$defs": {**deep, **end}, "$ref": "#/$defs/a0", "default": "x"},
            {"$defs": {**fields, **end}, "$ref": "#/$defs/a0"},
            {"type": "array", "uniqueItems": True, "default": [{"a": n} for n in range(width * 3_000)]},
            {"enum": list(range(width * 1_000)), "default": -1},
            {"type": "array", "items": {"enum": list(range(width * 500))}, "default": list(range(width * 5_000))},
            {"anyOf": [{"type": "integer"}] * width * 80, "default": "x" * 900_000},
            {"type": "object", "properties": {f"k{n}": {"type": "string"} for n in range(width * 1_500)}},
            {"type": "string", "default": "\x00" * 100_000},
            {"type": "string", "maxLength": 10**18, "minLength": 10**9, "default": "x" * 900_000},
        ]
    )
    return Bomb(family, number, _workflow([_set("last", "{{ inputs.x }}")], inputs=_inputs(schema))[:990_000])


_FAMILIES: dict[str, Callable[[str, int, Random], Bomb]] = {
    "pattern": _pattern,
    "expression": _expression,
    "constant": _constant,
    "nested": _nested,
    "huge": _huge,
}
