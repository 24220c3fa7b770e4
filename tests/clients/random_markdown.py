"""Random Markdown as Notion writes it, so that what was written must come back letter by letter."""

from __future__ import annotations

import random
from collections.abc import Callable

WORDS = (
    *"word longer a Größe naïve 日本語のテキスト العربية עברית e\u0301le\u0300ve Z\u0335a\u0336lgo 🇨🇭 🎉🎉".split(),
    *"(so) “said” 3.14 50% a/b #tag C++ me@example.com & © – — 你好，世界 ａｂｃ 𝔘𝔫𝔦 so:on".split(),
    "zero\u200bwidth",
    "\U0001f9d1\U0001f3fd\u200d\U0001f680",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467",
)
SIGNS = ("\\*", "\\_", "\\[x\\]", "\\`", "\\~", "\\\\", "2 \\* 3", "snake\\_case")
LANGUAGES = ("", "python", "javascript", "c++", "plain text", "java/c/c++/c#", "yaml")
CODE = (
    "x = 1",
    "\tindented",
    "    four",
    "# no heading",
    "- no list",
    "<details>",
    "",
    "``",
    "a | b",
    "$$",
    "日本 \\n \\* `x`",
    "",
)
DEEPEST = 6


class Writer:
    """Writes blocks; the same seed writes the same text."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def text(self, size_bytes: int) -> str:
        """A text of at least that size."""
        lines: list[str] = []
        size = 0
        while size < size_bytes:
            more = self._blocks(1, 0)
            lines += more
            size += sum(len(line.encode()) + 1 for line in more)
        return "\n".join(lines)

    def _blocks(self, count: int, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(count):
            makes: tuple[Callable[[int], list[str]], ...] = (
                *(self._paragraph, self._list, self._list, self._tasks, self._quote, self._code, self._table),
                *(self._equation, self._toggle, self._heading, self._rule, self._empty, self._picture, self._long),
            )
            lines += self._random.choice(makes)(depth)
            # Numbers begin anew after something else than a number.
            lines.append("between")
        return ["\t" * (1 if depth else 0) + line for line in lines]

    def _words(self, most: int = 12) -> str:
        return " ".join(["So", *(self._random.choice(WORDS) for _ in range(self._random.randint(0, most)))])

    def _inline(self) -> str:
        marked: tuple[Callable[[], str], ...] = (
            lambda: f"**{self._words(4)}**",
            lambda: f"*{self._words(4)}*",
            lambda: f"~~{self._words(4)}~~",
            lambda: f"***{self._words(2)}***",
            lambda: "`code_with *signs*`",
            lambda: "`` a`b ``",
            lambda: f"[{self._words(3)}](https://example.com/a_(b)?q={self._random.randint(0, 99)}#part)",
            lambda: "https://example.com/bare?x=1",
            lambda: f"$a_{self._random.randint(0, 9)} + \\alpha$",
            lambda: "$5 or US$ 6",
            lambda: "<br>",
            lambda: self._random.choice(SIGNS),
            self._words,
        )
        parts = [self._words(), *(self._random.choice(marked)() for _ in range(self._random.randint(0, 6))), "end"]
        return " ".join(parts).replace(" <br> ", "<br>")

    def _paragraph(self, _: int) -> list[str]:
        return [self._inline() for _ in range(self._random.randint(1, 4))]

    def _long(self, _: int) -> list[str]:
        return [" ".join(self._words(40) for _ in range(self._random.randint(20, 150)))]

    def _heading(self, _: int) -> list[str]:
        return ["#" * self._random.randint(1, 4) + " " + self._inline()]

    def _rule(self, _: int) -> list[str]:
        return ["---"]

    def _empty(self, _: int) -> list[str]:
        return ["<empty-block/>"]

    def _picture(self, _: int) -> list[str]:
        return [f"![{self._words(3)}](https://example.com/{self._random.randint(0, 99)}.png)"]

    def _equation(self, _: int) -> list[str]:
        return ["$$", "\\int_0^1 x^2 \\, dx", "= \\frac{1}{3}", "$$"]

    def _quote(self, depth: int) -> list[str]:
        return [f"> {self._inline()}", *self._inside(depth)]

    def _code(self, _: int) -> list[str]:
        lines = [self._random.choice(CODE) for _ in range(self._random.randint(1, 30))]
        fence = "```"
        if self._random.random() < 0.2:
            lines, fence = [*lines, "```", "code about code", "```"], "````"
        language = self._random.choice(LANGUAGES)
        return [fence + ("" if language == "plain text" else language), *lines, fence]

    def _table(self, _: int) -> list[str]:
        width, height = self._random.randint(1, 5), self._random.choice([1, 2, 5, 130])
        rows = ["| " + " | ".join(self._words(3) + " x \\| y" for _ in range(width)) + " |" for _ in range(height)]
        return [rows[0], "|" + " --- |" * width, *rows[1:]]

    def _list(self, depth: int) -> list[str]:
        is_numbered = self._random.random() < 0.5
        count = self._random.choice([1, 2, 3, 12] if depth else [1, 3, 12, 120])
        lines: list[str] = []
        for number in range(count):
            sign = f"{number + 1}." if is_numbered else "-"
            lines += [f"{sign} {self._inline()}", *self._inside(depth)]
        return lines

    def _tasks(self, depth: int) -> list[str]:
        return [f"- [{self._random.choice(' x')}] {self._inline()}", *self._inside(depth)]

    def _toggle(self, depth: int) -> list[str]:
        inside = self._inside(depth) or ["\tSo it is"]
        return ["<details>", f"<summary>{self._inline()}</summary>", *inside, "</details>"]

    def _inside(self, depth: int) -> list[str]:
        if depth >= DEEPEST or self._random.random() < 0.85 - 0.5 * (depth < 2):
            return []
        return self._blocks(self._random.randint(1, 2), depth + 1)
