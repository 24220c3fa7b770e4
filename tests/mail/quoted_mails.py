"""Makes answers and forwarded mails as mail programs write them: their layout, and the words of `WRITTEN`.

Knows nothing of the words that the program itself recognizes.
"""

from __future__ import annotations

import random
import textwrap
from collections.abc import Iterator
from email.message import EmailMessage
from html import escape

from msgspec import Struct

from tests.mail.written_quotes import WRITTEN

SEED = 20261126
ME, YOU, OTHER = ("Ann Lee", "ann@example.org"), ("Bob Hill", "bob@example.com"), ("Carol Ray", "carol@example.net")
PROGRAMS = ("outlook", "outlook classic", "gmail", "apple", "thunderbird", "yahoo", "proton", "qq", "netease")
MARKING = ("gmail", "apple", "thunderbird", "proton", "netease")
"""Programs that mark the lines of what they quote."""
Person = tuple[str, str]


class Written(Struct, frozen=True):
    """A mail, and what has to be seen of it when quoted mails and the signature are cut."""

    name: str
    raw: bytes
    is_forward: bool
    own: tuple[str, ...]
    """Words that stay."""
    old: tuple[str, ...]
    """Words that go."""


def written_mails(seed: int, count: int) -> Iterator[Written]:
    """Make so many mails: every language, program, kind and form in turn."""
    for number in range(count):
        yield Writer(random.Random(f"{seed}/{number}"), number).mail()


class Quoted(Struct, frozen=True):
    """A mail that is quoted, by whom to whom, and its text in both forms."""

    author: Person
    reader: Person
    plain: str
    html: str


class Writer:
    """Writes as one mail program in one language does: the number says which, and what it writes."""

    def __init__(self, rng: random.Random, number: int) -> None:
        self.rng, self.number = rng, number
        number, forward = divmod(number, 2)
        number, program = divmod(number, len(PROGRAMS))
        self.is_forward, self.program = bool(forward), PROGRAMS[program]
        self.language = [*WRITTEN][number % len(WRITTEN)]
        self.is_html = rng.random() < 0.5
        self.is_nested = rng.random() < 0.5
        self.words = WRITTEN[self.language]

    def mail(self) -> Written:
        """Write the mail."""
        first, last = f"OLD{self.number}", f"OLDEST{self.number}"
        other = OTHER if self.is_forward else YOU
        text = f"{first} {self.words['ask']}\n\n{other[0]}"
        quoted = Quoted(other, ME, text, paragraphs(text))
        if self.is_nested:
            inner = self.answer(f"{first} {self.words['ask']}", self._inner(other, last), self._another_program())
            quoted = Quoted(other, ME, *inner)
        own = f"NEW{self.number} {self.words['say']}"
        layout = (
            "above" if self.program not in MARKING or self.is_forward else self.rng.choice(["above", "above", "below"])
        )
        signature = "" if self.is_forward or self.rng.random() < 0.5 else "-- \nAnn Lee\nExample Ltd"
        if self.is_forward:
            plain, html = self._forward(own if self.rng.random() < 0.7 else "", quoted)
        elif layout == "below":
            plain, html = self.answer("", quoted, self.program)
            plain, html = f"{plain}\n\n{own}\n\n{signature}", f"{html}<p>{escape(own)}</p>"
        else:
            above = f"{own}\n\n{signature}".rstrip("\n")
            plain, html = self.answer(above, quoted, self.program)
        seen = [f"NEW{self.number}"] if own in plain else []
        olds = [first, *([last] if self.is_nested else []), quoted.author[1]]
        kind = "forward" if self.is_forward else f"answer {layout}"
        name = f"{self.number} {self.language} {self.program} {kind} {'html' if self.is_html else 'plain'}"
        raw = self._bytes(self._subject(), plain, html)
        stay = (*seen, *olds) if self.is_forward else tuple(seen)
        gone = () if self.is_forward else (*olds, *(["Example Ltd"] if signature else []))
        return Written(name, raw, self.is_forward, stay, gone)

    def _inner(self, other: Person, word: str) -> Quoted:
        text = f"{word} {self.words['ask']}\n\n{ME[0]}"
        return Quoted(ME, other, text, paragraphs(text))

    def _another_program(self) -> str:
        return self.rng.choice(PROGRAMS)

    def _subject(self) -> str:
        chance, about = self.rng.random(), "Meeting 7"
        if chance < 0.15:
            return about  # somebody has changed it
        if self.program.startswith("outlook") or self.program in ("qq", "netease"):
            return f"{self.words['fw' if self.is_forward else 're']}: {about}"
        return f"{'Fwd' if self.is_forward else 'Re'}: {about}"

    def _bytes(self, subject: str, plain: str, html: str) -> bytes:
        made = EmailMessage()
        made["From"], made["To"], made["Subject"] = f"{ME[0]} <{ME[1]}>", f"{YOU[0]} <{YOU[1]}>", subject
        made["Message-ID"] = f"<{self.number}@example.org>"
        if self.is_html:
            made.set_content(f"<html><body>{html}</body></html>", subtype="html")
        else:
            made.set_content(plain)
        return made.as_bytes()

    # What the programs write.

    def _line(self, what: str, who: Person) -> str:
        time = f"{self.rng.randint(8, 11)}:{self.rng.randint(10, 59)}"
        line = self.words[what]
        for letter, value in (("T", time), ("N", who[0]), ("M", who[1])):
            line = _replaced(line, letter, value)
        return line

    def _attribution(self, program: str, quoted: Quoted) -> str:
        who = quoted.author
        if program == "proton":
            return f"On Thursday, November 26th, 2026 at 9:07 AM, {who[0]} <{who[1]}> wrote:"
        if program == "netease" and self.language == "zh-Hans":
            return f'在 2026-11-26 09:07:05，"{who[0]}" <{who[1]}> 写道：'
        if program == "netease":
            return f'At 2026-11-26 09:07:05, "{who[0]}" <{who[1]}> wrote:'
        return self._line(program, who)

    def _head(self, quoted: Quoted, *, bold: str = "") -> str:
        sender, sent, to, about, date = self.words["outlook"].split("|")
        author, reader = (f"{name} <{address}>" for name, address in (quoted.author, quoted.reader))
        values = {sender: author, sent: _replaced(date, "T", "09:07"), to: reader, about: "Meeting 7"}
        return "\n".join(f"{bold}{name}:{bold} {value}" for name, value in values.items())

    def answer(self, own: str, quoted: Quoted, program: str) -> tuple[str, str]:
        """Return an answer to a mail as plain text, and as HTML."""
        above = f"{own}\n\n" if own else ""
        html = paragraphs(own)
        if program.startswith("outlook"):
            rule = "________________________________\n" if program == "outlook" else ""
            plain = f"{above}{rule}{self._head(quoted)}\n\n{quoted.plain}"
            return plain, f"{html}{_outlook_head(self._head(quoted), program)}{quoted.html}"
        if program == "qq":
            head = self._qq_head(quoted)
            return (
                f"{above}\n{head}\n\n\n{quoted.plain}",
                f"{html}<div><br></div>{_qq_html(head)}<div><br></div>{quoted.html}",
            )
        line = self._attribution(program, quoted)
        if program == "yahoo":
            plain = f"{above}    {line}  \n \n {quoted.plain}"
            within = f"<div>{escape(line)}</div><div><br></div>{quoted.html}"
            return plain, f'{html}<div id="ydp1yahoo_quoted" class="yahoo_quoted">{within}</div>'
        marked = textwrap.indent(quoted.plain, "> ", lambda _line: True)
        if program == "netease":
            block = f'<blockquote id="isReplyContent" style="padding-left:1ex">{quoted.html}</blockquote>'
            return f"{above}{line}\n{marked}", f"{html}<p>{escape(line)}</p>{block}"
        wrapped = (
            textwrap.fill(line, 76, break_long_words=False, break_on_hyphens=False) if program == "gmail" else line
        )
        return f"{above}{wrapped}\n\n{marked}", f"{html}{_quotation(program, line, quoted.html)}"

    def _qq_head(self, quoted: Quoted) -> str:
        author, reader = (f'"{name}"<{address}>' for name, address in (quoted.author, quoted.reader))
        if self.language.startswith("zh"):
            return (
                f"------------------ 原始邮件 ------------------\n发件人: {author};\n"
                f"发送时间: 2026年11月26日(星期四) 上午9:07\n收件人: {reader};\n主题: Meeting 7"
            )
        return (
            f"------------------ Original ------------------\nFrom:  {author};\nDate:  Thu, Nov 26, 2026 09:07 AM\n"
            f"To:  {reader};\nSubject:  Meeting 7"
        )

    def _forward(self, own: str, quoted: Quoted) -> tuple[str, str]:
        """Return a forwarded mail as plain text, and as HTML."""
        if self.program.startswith("outlook") or self.program == "qq":
            return self.answer(own, quoted, self.program)
        above, html = (f"{own}\n\n" if own else ""), paragraphs(own)
        head = self._forward_head(quoted)
        if self.program == "apple":
            begin = f"{head}\n\n{quoted.plain}"
            plain = above + textwrap.indent(begin, "> ", lambda _line: True)
            return plain, f'{html}<blockquote type="cite">{_lines(head)}<br>{quoted.html}</blockquote>'
        return f"{above}{head}\n\n{quoted.plain}", f"{html}<div class='forward'>{_lines(head)}<br></div>{quoted.html}"

    def _forward_head(self, quoted: Quoted) -> str:
        author, reader = (f"{name} <{address}>" for name, address in (quoted.author, quoted.reader))
        if self.program == "gmail":
            sender = self.words["outlook"].partition("|")[0].strip()
            return (
                f"---------- Forwarded message ---------\n{sender}: {author}\nDate: Thu, Nov 26, 2026 at 9:07 AM\n"
                f"Subject: Meeting 7\nTo: {reader}"
            )
        if self.program == "apple":
            begins, sender, about, date, to = self.words["begins"].split("|")
            return (
                f"{begins}\n\n{sender}: {author}\n{about}: Meeting 7\n{date}: 26 Nov 2026 09:07:08 CET\n{to}: {reader}"
            )
        if self.program == "thunderbird":
            begins, about, date, sender, to = self.words["forwarded"].split("|")
            lines = {about: "Meeting 7", date: "Thu, 26 Nov 2026 09:07:08 +0100", sender: author, to: reader}
            return "\n".join([begins, *(f"{name}: \t{value}" for name, value in lines.items())])
        if self.program == "yahoo":
            return f"   {self.words['passed']} {self._head(quoted)}"
        if self.program == "netease" and self.language == "zh-Hans":
            lines = {"发件人": author, "发送日期": "2026-11-26 09:07:05", "收件人": reader, "主题": "Meeting 7"}
            return "\n".join(["-------- 转发邮件信息 --------", *(f"{name}：{value}" for name, value in lines.items())])
        begins = {"proton": "------- Forwarded Message -------"}.get(
            self.program, f"{8 * '-'} Forwarding messages {8 * '-'}"
        )
        date = "On Thursday, November 26th, 2026 at 9:07 AM"
        return f"{begins}\nFrom: {author}\nDate: {date}\nSubject: Meeting 7\nTo: {reader}"


def _replaced(line: str, letter: str, value: str) -> str:
    """Replace a letter that stands alone."""
    parts = line.split(letter)
    made = parts[0]
    for part in parts[1:]:
        is_alone = not made[-1:].isascii() or not made[-1:].isalpha()
        is_alone = is_alone and not (part[:1].isascii() and part[:1].isalpha())
        made += (value if is_alone else letter) + part
    return made


def _lines(text: str) -> str:
    return "<br>".join(map(escape, text.split("\n")))


def paragraphs(text: str) -> str:
    """Return a text as HTML."""
    return "".join(f"<div>{_lines(part)}</div><div><br></div>" for part in text.split("\n\n") if part)


def _outlook_head(head: str, program: str) -> str:
    lines = "<br>".join(
        f"<b>{escape(name)}:</b>{escape(value)}" for name, _, value in (one.partition(":") for one in head.split("\n"))
    )
    return _HEADS[program].replace("HEAD", lines)


def _qq_html(head: str) -> str:
    first, *lines = head.split("\n")
    begins = f'<div style="font-size:12px;padding:2px 0;">{escape(first).replace(" ", "&nbsp;")}</div>'
    return f'{begins}<div style="background:#efefef;">{"".join(f"<div>{escape(one)}</div>" for one in lines)}</div>'


def _quotation(program: str, line: str, html: str) -> str:
    return _QUOTATIONS[program].replace("LINE", escape(line)).replace("HTML", html)


_HEADS = {
    "outlook": (
        '<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1">'
        '<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri">HEAD</font><div>&nbsp;</div></div>'
    ),
    "outlook classic": (
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">'
        '<p class="MsoNormal">HEAD</p></div>'
    ),
}
_QUOTATIONS = {
    "gmail": (
        '<div class="gmail_quote"><div dir="ltr" class="gmail_attr">LINE<br></div>'
        '<blockquote class="gmail_quote" style="margin:0 0 0 .8ex">HTML</blockquote></div>'
    ),
    "thunderbird": (
        '<div class="moz-cite-prefix">LINE<br></div><blockquote type="cite" cite="mid:1@example.org">HTML</blockquote>'
    ),
    "proton": (
        '<div class="protonmail_quote">LINE<br><br>'
        '<blockquote class="protonmail_quote" type="cite">HTML</blockquote></div>'
    ),
    "apple": (
        '<div><br><blockquote type="cite"><div>LINE</div><br></blockquote></div>'
        '<blockquote type="cite">HTML</blockquote>'
    ),
}
