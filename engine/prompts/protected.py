"""Protected labels: they move only to a version whose cases pass, or with a reason that the prompt's file keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from msgspec import Struct
from pydantic import ValidationError

from engine.base.errors import InvalidInput, ProtectedLabel, UnknownName
from engine.base.json_text import is_same
from engine.outgoing.hidden_characters import without_blanks
from engine.prompts.prompt import MoveModel

OF_LABELS = ("labels", "protected", "moves")
"""Members of a prompt file that say which version workflows use."""
OF_THE_PROMPT = ("tags", *OF_LABELS)
"""Members of a prompt file that belong to the prompt rather than to a version of it."""
LONGEST_REASON = 500
_SHOWN = 3


class LabelMove(TypedDict, total=False):
    """A move of a protected label, or one that somebody gave a reason for."""

    label: str
    version: int
    by: str
    at: str
    reason: str
    cases: int
    """How many cases passed, if they are why it was allowed."""
    demo: bool
    """Whether the demo's stand-in gave their answers."""


class CaseProof(Struct, frozen=True):
    """How the cases of a text go with the answers recorded so far."""

    cases: int
    failed: Sequence[str] = ()
    """The cases that fail, or have no recorded answer."""
    demo: bool = False

    @property
    def holds(self) -> bool:
        """Whether there are cases, and all pass."""
        return self.cases > 0 and not self.failed


class Grounds(Struct, frozen=True):
    """Why a label may move."""

    at: str
    reason: str = ""
    proof: CaseProof | None = None


def labels_of(document: Any) -> dict[str, int]:
    """Return the labels in the text of a prompt, whatever else is wrong with it."""
    labels = document.get("labels") if isinstance(document, dict) else None
    found = labels if isinstance(labels, dict) else {}
    # To Python, True is an integer.
    return {label: at for label, at in found.items() if isinstance(at, int) and not isinstance(at, bool)}


def protected_in(document: Any) -> list[str]:
    """Return the protected labels in the text of a prompt, whatever else is wrong with it."""
    found = document.get("protected") if isinstance(document, dict) else None
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def checked_reason(reason: str) -> str:
    """Return a typed reason in one line, "" if it shows nothing. Raises InvalidInput."""
    words = without_blanks(reason)
    if len(words) > LONGEST_REASON:
        raise InvalidInput(
            f"The reason has {len(words):,} characters, and at most {LONGEST_REASON} are kept.", remedy="Shorten it."
        )
    if not words.isprintable():
        raise InvalidInput("The reason has characters that cannot be shown.", remedy="Type it again without them.")
    return words


def moved(
    name: str,
    document: Mapping[str, object],
    label: str,
    version: int,
    by: str,
    grounds: Grounds | None,
    tested: str,
) -> dict[str, object]:
    """Return the file of a prompt with a label on a version. Raises ProtectedLabel without good grounds.

    `tested`: what `orchestra prompts test` takes to test that version.
    """
    labels = labels_of(document)
    changed = {**document, "labels": {**labels, label: version}}
    is_protected = label in protected_in(document) and labels.get(label) != version
    reason, proof = (grounds.reason, grounds.proof) if grounds is not None else ("", None)
    if is_protected and not reason and not (proof and proof.holds):
        raise _refusal(name, label, proof, tested)
    if grounds is not None and (is_protected or reason):
        move: LabelMove = {"label": label, "version": version, "by": by, "at": grounds.at}
        if reason:
            move["reason"] = reason
        elif proof is not None:
            move |= {"cases": proof.cases, **({"demo": True} if proof.demo else {})}
        before = document.get("moves")
        changed["moves"] = [*(before if isinstance(before, list) else []), move]
    return changed


def protecting(name: str, document: Mapping[str, object], label: str) -> dict[str, object]:
    """Return the file of a prompt with a label protected. Raises UnknownName."""
    labels, before = labels_of(document), protected_in(document)
    if label not in labels:
        raise UnknownName(f"label of the prompt {name}", label, list(labels))
    return {**document, "protected": sorted({*before, label})}


def unprotecting(name: str, document: Mapping[str, object], label: str) -> dict[str, object]:
    """Return the file of a prompt with a label no longer protected. Raises UnknownName."""
    before = protected_in(document)
    if label not in before:
        raise UnknownName(f"protected label of the prompt {name}", label, before)
    kept = [one for one in before if one != label]
    rest = {key: value for key, value in document.items() if key != "protected"}
    return {**rest, "protected": kept} if kept else rest


def require_kept(name: str, before: Any, after: Mapping[str, object]) -> None:
    """Raise ProtectedLabel if saving a text would move a protected label, lift a protection or change the history.

    `before`: what the file holds, None before it exists.
    """
    was, now = labels_of(before), labels_of(after)
    for label in protected_in(before):
        if was.get(label) != now.get(label):
            raise ProtectedLabel(
                f"The label {label!r} of {name} is protected: saving a text does not move it.",
                remedy=f"Leave it where it is; `orchestra prompts label {name} {label} VERSION` moves it.",
            )
        if label not in protected_in(after):
            raise ProtectedLabel(
                f"The label {label!r} of {name} is protected: saving a text does not change that.",
                remedy=f"Leave 'protected' as it is; `orchestra prompts protect {name} {label} --off` changes it.",
            )
    moves, saved = _moves(before), _moves(after)
    if not is_same(saved, moves) and not is_same(saved, _readable(moves)):
        remedy = "Leave it as it is in the file" if moves else "Leave it out"
        raise ProtectedLabel(
            f"'moves' of {name} is a history: it is written when a label moves, never by saving a text.",
            remedy=f"{remedy}.",
        )


def _moves(document: Any) -> Any:
    """Return the history in the text of a prompt as it is written; [] without a history."""
    found = document.get("moves") if isinstance(document, dict) else None
    return [] if found is None else found


def _readable(moves: Any) -> list[Any]:
    """Return a history without what no move of a label has written: that may be removed."""
    return [one for one in moves if _is_move(one)] if isinstance(moves, list) else []


def _is_move(found: Any) -> bool:
    try:
        MoveModel.model_validate(found)
    except ValidationError:
        return False
    return True


def require_unprotected(name: str, document: Any, label: str) -> None:
    """Raise ProtectedLabel if a label that is to be removed is protected."""
    if label in protected_in(document):
        raise ProtectedLabel(
            f"The label {label!r} of {name} is protected, and cannot be removed.",
            remedy=f"Take the protection off first: `orchestra prompts protect {name} {label} --off`.",
        )


def require_deletable(name: str, document: Any) -> None:
    """Raise ProtectedLabel if a prompt that is to be deleted has a protected label: made again, it would have none."""
    for label in protected_in(document):
        raise ProtectedLabel(
            f"The label {label!r} of {name} is protected, and the prompt cannot be deleted with it.",
            remedy=f"Take the protection off first: `orchestra prompts protect {name} {label} --off`.",
        )


def _refusal(name: str, label: str, proof: CaseProof | None, tested: str) -> ProtectedLabel:
    said = f"The label {label!r} of {name} is protected, and "
    give = "give a reason, which the file of the prompt keeps: `--reason TEXT`."
    if proof is not None and not proof.cases:
        return ProtectedLabel(f"{said}{name} has no cases that could show what the version does.", remedy=give)
    failed = list(proof.failed) if proof is not None else []
    does = "fails or has" if len(failed) == 1 else "fail or have"
    more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    what = f": {', '.join(failed[:_SHOWN])}{more} {does} no recorded answer." if failed else "."
    return ProtectedLabel(
        f"{said}its cases have not all passed with that version{what}",
        remedy=f"Test it first: `orchestra prompts test {tested}`. Or {give}",
    )
