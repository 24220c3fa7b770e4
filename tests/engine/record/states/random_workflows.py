"""Random workflows of all shapes, by a number, and how a service treats them."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.engine.conftest import Service, get_step, set_step

_STATUSES: tuple[list[int], ...] = ([], [503], [404], [503, 503, 404])


INPUTS = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def random_steps(number: int, service: Service, runs: int) -> list[dict[str, Any]]:
    """Return the steps of the workflow with this number; the service answers each of its runs (`n`) differently."""
    return _Maker(number, service, runs).block(0)


class _Maker:
    def __init__(self, number: int, service: Service, runs: int) -> None:
        self._random, self._number, self._service, self._runs = Random(number), number, service, runs
        self._count = 0

    def block(self, depth: int) -> list[dict[str, Any]]:
        return [self._step(depth) for _ in range(self._random.randint(1, 3))]

    def _step(self, depth: int) -> dict[str, Any]:
        self._count += 1
        step_id, chance = f"s{self._count}", self._random.random
        kinds = (self._set, self._get, self._get, self._wait, self._fail, self._group, self._loop)
        weights = (4, 4, 4, 0.3, 0.5, 2, 4) if depth < 2 else (4, 4, 4, 0.3, 0.5, 0, 0)
        [make] = self._random.choices(kinds, weights)
        step = make(step_id, depth)
        if chance() < 0.15:
            step["if"] = self._random.choice(["{{ inputs.n < 3 }}", "{{ inputs.n > 3 }}"])
        if chance() < 0.4:
            step["on_error"] = "continue"
        return step

    def _set(self, step_id: str, _depth: int) -> dict[str, Any]:
        return set_step(step_id)

    def _get(self, step_id: str, _depth: int) -> dict[str, Any]:
        path = f"/{self._number}/{step_id}/"
        for run in range(self._runs):
            self._service.answers[f"{path}{run}"] = list(self._random.choice(_STATUSES))
        return get_step(step_id, self._service.url(f"{path}{{{{ inputs.n }}}}"), retry={"attempts": 2})

    def _wait(self, step_id: str, _depth: int) -> dict[str, Any]:
        return {"id": step_id, "uses": "flow.wait", "with": {"seconds": 0.05}}

    def _fail(self, step_id: str, _depth: int) -> dict[str, Any]:
        return {"id": step_id, "uses": "flow.assert", "with": {"condition": "{{ inputs.n == 2 }}"}}

    def _group(self, step_id: str, depth: int) -> dict[str, Any]:
        return {"id": step_id, "steps": self.block(depth + 1)}

    def _loop(self, step_id: str, depth: int) -> dict[str, Any]:
        return {
            "id": step_id,
            "foreach": f"{{{{ {list(range(self._random.randint(0, 4)))} }}}}",
            "as": f"i{step_id}",
            "parallel": self._random.randint(1, 3),
            "on_item_error": self._random.choice(["stop", "continue", "drop"]),
            "steps": self.block(depth + 1),
        }
