// Streamlit may take a field out of the page and draw it anew, because something above it appeared or went, while
// somebody types in it. The editor that takes its place goes on: with the caret, what was typed and not sent, and the keys
// that were pressed while there was no field.

const LONGEST_MS = 3000;

let left = null;

// Remember an editor that loses the focus: the browser reports that, too, when its field is taken out of the page.
// `sent` is the text that Streamlit was sent last.
export function leave(editor, sent) {
  const { anchor, head } = editor.view.state.selection.main;
  const { css } = editor.field;
  const it = { css, textarea: editor.textarea, text: editor.text, sent, anchor, head, keys: "", at: performance.now() };
  left = it;
  setTimeout(() => {
    if (left === it && it.textarea.isConnected) left = null; // left by the person
  });
}

// Return what the editor of a field goes on with, or null: only once, and only if nothing else has the focus by now.
export function returned(css) {
  if (!isWaiting() || left.css !== css) return null;
  const found = left;
  left = null;
  return found;
}

function isWaiting() {
  if (left === null) return false;
  const isLate = performance.now() - left.at > LONGEST_MS;
  if (isLate || document.activeElement !== document.body) left = null;
  return left !== null;
}

function onKey(event) {
  if (!isWaiting() || left.textarea.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Backspace" && left.keys) left.keys = left.keys.slice(0, -1);
  else if (event.key === "Enter") left.keys += "\n";
  else if ([...event.key].length === 1) left.keys += event.key;
  else return;
  event.preventDefault();
  event.stopImmediatePropagation(); // a key of this page, or of Streamlit, may have another meaning
}

window.addEventListener("keydown", onKey, true);
window.addEventListener("pointerdown", () => { left = null; }, true);
