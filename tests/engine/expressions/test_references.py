"""The references of an expression."""

from __future__ import annotations

from engine.expressions.cel_types import ANYTHING
from engine.expressions.references import Reference, references
from engine.expressions.typed import Visible, compile_typed


def test_every_reference_is_collected_but_the_variables_of_macros() -> None:
    text = "mails.map(m, m.id + mail.subject + (has(mail.text) ? mail.?kind.orValue('') : m))"
    used = references(compile_typed(text, Visible({"mails": ANYTHING, "mail": ANYTHING})).tree)
    assert used == (
        Reference(("mails",)),
        Reference(("mail", "subject")),
        Reference(("mail", "text"), is_guarded=True),
        Reference(("mail", "kind"), is_guarded=True),
    )
