// A button that opens the co-pilot beside the editor of a workflow's text. Mounted by dashboard/workflow/copilot.py.

const places = new WeakMap(); // of each element of Streamlit

export default function ({ data: [data], parentElement, setTriggerValue }) {
  let place = places.get(parentElement);
  if (!place) {
    place = document.createElement("div");
    place.className = "copilot-place";
    place.button = document.createElement("button");
    place.button.type = "button";
    place.button.className = "copilot-open";
    place.button.addEventListener("click", () => place.toggle());
    place.append(place.button, document.createElement("div"));
    parentElement.append(place);
    places.set(parentElement, place);
  }
  place.button.textContent = t("Co-pilot", data.texts.copilot);
  place.button.title = t("Ask, or say what to change", data.texts.copilot);
  const text = () => document.querySelector(`.${CSS.escape(data.editor)} textarea`)?.value ?? null;
  const changed = () => setTriggerValue("changed", Date.now());
  const turned = (isOpen) => place.button.setAttribute("aria-expanded", String(isOpen));
  const load = async () => {
    try {
      const studio = await import(new URL(data.address, location.origin).href);
      place.panel ??= studio.mountCopilot(place.lastChild, data.panel, text, changed, turned, data.texts.studio);
    } catch {
      place.button.textContent = t("The co-pilot cannot be loaded. Reload the page.", data.texts.copilot);
    }
    return place.panel;
  };
  place.toggle = () => void load().then((panel) => panel?.toggle());
  turned(false);
  // Open before a reload: the script is needed at once.
  if (isOpen(data.panel)) void load();
  return () => {
    places.delete(parentElement);
    place.panel?.end();
  };
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
