// A button that opens the co-pilot beside the editor of a workflow's text, or beside a run. Mounted by
// dashboard/workflow/copilot.py.

const places = new WeakMap(); // of each element of Streamlit

export default function ({ data: [data], parentElement, setTriggerValue }) {
  const place = places.get(parentElement) ?? made(parentElement);
  const texts = data.texts.copilot;
  place.button.textContent = data.panel.run ? t("Ask the co-pilot", texts) : t("Co-pilot", texts);
  place.button.title = t("Ask, or say what to change", texts);
  Object.assign(place, { data, send: setTriggerValue });
  if (data.panel.run) followAddress(place);
  else if (!place.panel) {
    turn(place, false);
    // Open before a reload: the script is needed at once.
    if (isOpen(data.panel)) void load(place);
  }
  return () => {
    places.delete(parentElement);
    place.panel?.end();
  };
}

function made(parent) {
  const place = document.createElement("div");
  place.className = "copilot-place";
  place.button = document.createElement("button");
  place.button.type = "button";
  place.button.className = "copilot-open";
  place.button.addEventListener("click", () => press(place));
  place.append(place.button, document.createElement("div"));
  parent.append(place);
  places.set(parent, place);
  return place;
}

// Beside a run, the page tells what to open, once the address has it.
function press(place) {
  const { data, panel } = place;
  if (!data.panel.run) void load(place).then((loaded) => loaded?.toggle());
  else if (panel?.isOpen) panel.toggle();
  else {
    place.wasWanted = null;
    place.send("turned", "open");
  }
}

// Open or close the panel when the address has changed: Back closes it, and a reload keeps it open.
function followAddress(place) {
  const { isOpen: isWanted } = place.data;
  const isNews = isWanted !== place.wasWanted;
  place.wasWanted = isWanted;
  place.panel?.remount(place.data.panel);
  if (!isNews) return;
  if (!place.panel) turn(place, false);
  if (isWanted && !place.panel) void load(place);
  else if (place.panel && place.panel.isOpen !== isWanted) place.panel.toggle();
}

// The panel was opened or closed, by its own buttons too.
function turn(place, isOpen) {
  const wasOpen = place.button.getAttribute("aria-expanded") === "true";
  place.button.setAttribute("aria-expanded", String(isOpen));
  if (!wasOpen || isOpen) return;
  place.button.focus();
  if (place.data.panel.run && place.data.isOpen) place.send("turned", "closed");
}

async function load(place) {
  const { data } = place;
  const text = () => data.editor ? (document.querySelector(`.${CSS.escape(data.editor)} textarea`)?.value ?? null) : null;
  const changed = () => data.editor && place.send("changed", Date.now());
  const turned = (isOpen) => turn(place, isOpen);
  try {
    const studio = await import(new URL(data.address, location.origin).href);
    if (place.isConnected) place.panel ??= studio.mountCopilot(place.lastChild, data.panel, text, changed, turned, data.texts.studio);
  } catch {
    place.button.textContent = t("The co-pilot cannot be loaded. Reload the page.", data.texts.copilot);
  }
  return place.panel;
}

function isOpen({ owner, workflow }) {
  try {
    return JSON.parse(sessionStorage.getItem(`orchestra.copilot/${owner}/${workflow}/text`) ?? "{}").isOpen === true;
  } catch {
    return false;
  }
}

// Return a text in the language of the page.
function t(text, texts) {
  return texts[text] ?? text;
}
