"""When a step runs, in plain words: `run issue only if the mail has an attachment`. English and German."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.base.json_text import JsonObject
from engine.base.step_tree import StepDefinition, StepNode, step_nodes
from engine.copilot.rules.naming import named, quoted
from engine.copilot.rules.requests import NotThere, UnderstoodRequest
from engine.copilot.wizard.filters import contains
from engine.workflows.editing.graph import CanvasStep

_I = re.IGNORECASE
_ONLY_IF = re.compile(r"\A(?P<steps>.{1,120}?),? (?:only|nur) (?:if|when|wenn|falls) (?P<clause>.+)\Z", _I)
_EXPRESSION = re.compile(r"[\"'`]?\{\{\s*(?P<it>.+?)\s*\}\}[\"'`]?", re.DOTALL)
_ATTACHED = re.compile(
    r"(?:there (?:is|are)|(?:it|(?:the |a )?(?:e-?)?mail|message) has|(?:sie|die mail|die nachricht)) "
    r"(?:an?|any|some|eine?n?)? ?(?:attachments?|attached files?|files? attached|anhang|anhänge|datei(?:en)?)(?: hat)?",
    _I,
)
_SAYS = re.compile(
    r"(?:(?:the|its|der|die|das|im) )?(?P<part>subject|sender|text|betreff|absender) "
    r"(?:(?:contains?|has|includes?|enthält) (?P<it>.+)|(?P<it2>.+) (?:enthält|steht))",
    _I,
)
_PARTS = {"subject": "subject", "betreff": "subject", "sender": "from", "absender": "from", "text": "text"}
_MAILS = ("gmail.", "imap.")


def conditioned(said: str, document: JsonObject, steps: Sequence[CanvasStep]) -> UnderstoodRequest | None:
    """Return the condition that a request gives to steps, None if it gives none.

    Raises NotThere if the condition is about a mail, and a step is in no loop over mails.
    """
    plain = " ".join(said.strip().rstrip(".!").split())
    found = _ONLY_IF.match(plain)
    chosen = named(found["steps"], steps) if found else []
    if found is None or not chosen:
        return None
    nodes = {node.step.id: node for node in step_nodes(document)}
    ops = []
    for one in chosen:
        condition = _condition(found["clause"], nodes[one.id], nodes)
        if not condition:
            return None
        also = f" && ({one.condition})" if one.condition and one.condition != condition else ""
        value = f"{{{{ {condition}{also} }}}}"
        ops.append({"op": "set", "step": one.id, "field": "if", "value": value})
    return UnderstoodRequest(f"Only if {found['clause']}: {', '.join(one.title for one in chosen)}", ops, (plain,))


def _condition(clause: str, node: StepNode[StepDefinition], nodes: dict[str, StepNode[StepDefinition]]) -> str:
    """Return the expression of a condition, empty if its words are not known."""
    written = _EXPRESSION.fullmatch(clause)
    if written:
        return written["it"]
    says = _SAYS.fullmatch(clause)
    if not says and not _ATTACHED.fullmatch(clause):
        return ""
    word = _word(says["it"] or says["it2"]) if says else ""
    mail = _mail(node, nodes)
    if not mail:
        raise NotThere(
            f"The step {node.step.id} is in no loop over mails. Say its condition as an expression: "
            "only if {{ size(inputs.name) > 0 }}."
        )
    if says is None:
        return f"{mail}.attachments.exists(a, !a.inline)"
    return contains(f"{mail}.{_PARTS[says['part'].casefold()]}", [word])


def _word(said: str) -> str:
    """Return the text in quotation marks. Raises NotThere if it is not one, whole."""
    marks = quoted(said)
    if len(marks) != 1 or said[1:-1] != marks[0]:
        raise NotThere(
            f"This is not one text in quotation marks, with no such mark inside it: {said} — say it like only if the "
            'text contains "invoice", or as an expression, such as only if {{ mail.text.contains(\'"\') }}.'
        )
    return marks[0]


def _mail(node: StepNode[StepDefinition], nodes: dict[str, StepNode[StepDefinition]]) -> str:
    """Return the name of the mail in the loop around a step, empty if it is in none."""
    for outer in list(node.up())[1:]:
        source = re.search(r"\bsteps\.(\w+)\.output\.messages\b", str(outer.step.json.get("foreach") or ""))
        if source and source[1] in nodes and nodes[source[1]].step.uses.startswith(_MAILS):
            return outer.step.item_name
    return ""
