"""The page of a form as HTML. Every text of the file or of a stranger is escaped; the file's text has no markup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from dashboard.base.language import spoken, t
from dashboard.form.style import STYLE
from dashboard.form.words import language_of, notice_sentence, wrong_sentence
from engine.forms.fields import FieldType, FormField
from engine.forms.view import FormView

TRAP = "website"
_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="icon" href="data:,">
<style nonce="{nonce}">{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def rendered(view: FormView) -> str:
    """Return the page in the language that the browser prefers."""
    chosen = language_of(view.languages)
    with spoken(chosen):
        title, body = _content(view)
    return _PAGE.format(language=chosen, title=escape(title), nonce=escape(view.nonce), style=STYLE, body=body)


def _content(view: FormView) -> tuple[str, str]:
    """Return (title, body)."""
    notice = notice_sentence(view)
    if view.fields is None:
        title = t("Form")
        return title, f'<h1>{escape(title)}</h1>\n<p role="status">{escape(notice)}</p>'
    title = view.fields.title
    if view.is_sent:
        thanks = view.fields.thanks or t("It has arrived.")
        done = t("Thank you")
        return f"{done} · {title}", (
            f'<h1 class="done">{escape(done)}</h1>\n<p class="thanks" role="status">{escape(thanks)}</p>'
        )
    prefix = t("Not sent") + " · " if view.notice else ""
    return prefix + title, "\n".join(filter(None, [f"<h1>{escape(title)}</h1>", _intro(view), _box(view), _form(view)]))


def _intro(view: FormView) -> str:
    text = view.fields.text if view.fields is not None else ""
    return f'<p class="intro">{escape(text)}</p>' if text else ""


def _box(view: FormView) -> str:
    """Return the notice, with a link to each field that is wrong."""
    if not view.notice or view.fields is None:
        return ""
    wrong = [one for one in view.fields.fields if one.name in view.wrong]
    rows = "".join(f'<li><a href="#field-{one.name}">{escape(one.label)}</a></li>' for one in wrong)
    files = f"<p>{escape(t('Choose the files again.'))}</p>" if view.has_lost_files else ""
    listed = f"<ul>{rows}</ul>" if rows else ""
    return f'<div class="box" role="alert"><p>{escape(notice_sentence(view))}</p>{listed}{files}</div>'


def _form(view: FormView) -> str:
    assert view.fields is not None
    fields = "\n".join(_field(view, one) for one in view.fields.fields)
    note = t("Fields with * are required.") if any(one.required for one in view.fields.fields) else ""
    leave = escape(t("Leave this empty"))
    return f"""<form method="post" enctype="multipart/form-data">
<input type="hidden" name="page" value="{escape(view.page_id)}">
{f'<p class="note">{escape(note)}</p>' if note else ""}
{fields}
<div class="trap" aria-hidden="true"><label>{leave}<input name="{TRAP}" tabindex="-1" autocomplete="off"></label></div>
<button type="submit">{escape(t("Send"))}</button>
</form>"""


def _field(view: FormView, one: FormField) -> str:
    wrong = view.wrong.get(one.name)
    hint = f'<p class="hint" id="hint-{one.name}">{escape(one.help)}</p>' if one.help else ""
    error = f'<p class="error" id="error-{one.name}">{escape(wrong_sentence(wrong))}</p>' if wrong is not None else ""
    told = [f"{kind}-{one.name}" for kind, text in (("hint", hint), ("error", error)) if text]
    common = f'id="field-{one.name}" name="field-{one.name}"'
    common += " required" if one.required else ""
    common += f' aria-describedby="{" ".join(told)}"' if told else ""
    common += ' aria-invalid="true"' if wrong is not None else ""
    mark = ' <span class="mark" aria-hidden="true">*</span>' if one.required else ""
    control = _CONTROLS[one.type](one, common, view.texts.get(one.name, ""))
    label = f'<label for="field-{one.name}">{escape(one.label)}{mark}</label>'
    if one.type == "checkbox":
        return f'<div class="field"><div class="check">{control}{label}</div>{hint}{error}</div>'
    return f'<div class="field">{label}{hint}{control}{error}</div>'


def _line(kind: str, more: str = "") -> Callable[[FormField, str, str], str]:
    def control(one: FormField, common: str, text: str) -> str:
        most = f' maxlength="{one.most_characters}"' if kind in ("text", "email") else ""
        return f'<input type="{kind}" {common}{most}{more} value="{escape(text)}">'

    return control


def _long_text(one: FormField, common: str, text: str) -> str:
    # A browser drops the first line end of a text area (HTML, 13.1.2.5).
    return f'<textarea {common} maxlength="{one.most_characters}" rows="6">\n{escape(text)}</textarea>'


def _choice(one: FormField, common: str, text: str) -> str:
    first = f'<option value="">{escape(t("Choose …"))}</option>'
    rows = "".join(f"<option{' selected' * (each == text)}>{escape(each)}</option>" for each in one.choices)
    return f"<select {common}>{first}{rows}</select>"


def _checkbox(one: FormField, common: str, text: str) -> str:
    return f'<input type="checkbox" value="yes" {common}{" checked" if text else ""}>'


def _file(one: FormField, common: str, _text: str) -> str:
    return f'<input type="file" {common}><p class="hint">{escape(t("At most {size} MB", size=one.largest_mb))}</p>'


_CONTROLS: Mapping[FieldType, Callable[[FormField, str, str], str]] = {
    "text": _line("text"),
    "long_text": _long_text,
    "email": _line("email", ' autocomplete="email"'),
    "number": _line("number", ' step="any"'),
    "date": _line("date"),
    "choice": _choice,
    "checkbox": _checkbox,
    "file": _file,
}
