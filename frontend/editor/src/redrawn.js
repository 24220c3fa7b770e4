// Streamlit may take a field out of the page and draw it anew, because something above it appeared or went, while
// somebody types in it. The editor that takes its place goes on: with the caret, what was typed and not sent, and the keys
// that were pressed while there was no field.

const LONGEST_MS = 1000;

let left = null;

// Remember an editor that loses the focus: the browser reports that, too, when its field is taken out of the page.
// `sent` is the text that Streamlit was sent last.
export function leave(editor, sent) {
  const { anchor, head } = editor.view.state.selection.main;
  const { css } = editor.field;
  const { textarea, text } = editor;
  const it = { css, textarea, text, sent, anchor, head, keys: "", isOver: false, at: performance.now() };
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

// Collect what is typed. A key that does something else, such as an arrow or a dead key, ends that: the rest is not for
// the place where the caret was.
function onKey(event) {
  if (!isWaiting() || left.isOver || left.textarea.isConnected) return;
  const isShortcut = (event.ctrlKey || event.metaKey) && !event.getModifierState("AltGraph");
  if (isShortcut || ["Shift", "Alt", "AltGraph", "Control", "Meta", "CapsLock"].includes(event.key)) return;
  if (event.key === "Enter") left.keys += "\n";
  else if (event.key === "Backspace" && left.keys) left.keys = [...left.keys].slice(0, -1).join("");
  else if ([...event.key].length === 1 && !event.isComposing) left.keys += event.key;
  else {
    left.isOver = true;
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation(); // a key of this page, or of Streamlit, may have another meaning
}

function forget() {
  left = null;
}

window.addEventListener("keydown", onKey, true);
for (const kind of ["pointerdown", "popstate"]) window.addEventListener(kind, forget, true);
