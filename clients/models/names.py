"""Compares the name of the model that answered with the requested one."""

from __future__ import annotations

import re
from collections.abc import Iterable

_DATES = re.compile(r"(?<![\da-z])(?:\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{8}|\d{6}|\d{4}|\d{2}-\d{2}$)(?![\da-z])")
_VERSIONS = re.compile(r"(?<![\da-z])v\d+(?:\.\d+)*(?![\da-z])")
_FILES = re.compile(r"(?:-\d{5}-of-\d{5})?\.(?:gguf|ggml|safetensors|bin|llamafile)$")
_SAY_NOTHING = re.compile(
    r"latest|preview|exp|experimental|stable|instruct|chat|it|hf|turbo|gguf|mlx|awq|gptq|fp8|fp16|bf16|f16|f32|int[48]"
    r"|\d+bit|i?q\d+|k|m|s|l|xs|xl|xxs|nl|ud|free|nitro|floor|extended|online|exacto|00\d"
)
"""Parts in which names of the same model differ: versions, quantizations, variants of the price (OpenRouter)."""


def is_other_model(asked: str, answered: str) -> bool:
    """Return whether these are names of two models: not of one, with a date, a version, a path or a vendor more."""
    one, other = _parts(asked), _parts(answered)
    if not one or not other:
        return False
    versions = _versions(asked), _versions(answered)
    if all(versions) and versions[0] != versions[1]:
        return True
    return any(not _SAY_NOTHING.fullmatch(part) for part in one ^ other)


def is_offered(model: str, offered: Iterable[str]) -> bool:
    """Return whether a server that offers these models knows this name."""
    return any(_fits(model, one) for one in offered)


def _fits(model: str, offered: str) -> bool:
    if "*" in offered:
        return bool(re.fullmatch(re.escape(offered).replace(r"\*", ".*"), model))
    return not is_other_model(model, offered) or not is_other_model(model.partition(":")[0], offered)


def _parts(name: str) -> set[str]:
    bare = _VERSIONS.sub("", _DATES.sub("", _bare(name)))
    return set(filter(None, re.split(r"[^a-z0-9]+", bare)))


def _versions(name: str) -> list[str]:
    return _VERSIONS.findall(_bare(name))


def _bare(name: str) -> str:
    last = re.split(r"[/\\]", name.strip().lower().rstrip("/\\"))[-1]
    return _FILES.sub("", last).partition("@")[0]
