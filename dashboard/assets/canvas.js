// Loads the canvas (frontend/studio) and shows it in its place on the page. Mounted by dashboard/workflow/canvas.py.

const places = new WeakMap(); // of each element of Streamlit

export default function ({ data: [data], parentElement, setTriggerValue }) {
  let place = places.get(parentElement);
  if (!place) {
    place = document.createElement("div");
    place.className = "canvas";
    parentElement.append(place);
    places.set(parentElement, place);
  }
  const tellSaved = () => setTriggerValue("saved", Date.now());
  place.wanted = import(new URL(data.address, location.origin).href).then(
    (studio) => {
      if (place.isConnected) studio.mount(place, data.canvas, tellSaved, data.texts.studio);
      return studio;
    },
    () => {
      place.textContent = t("The canvas cannot be loaded. Reload the page.", data.texts.canvas);
      return null;
    },
  );
  return () => {
    places.delete(parentElement);
    void place.wanted.then((studio) => studio?.unmount(place));
  };
}

// Return a text in the language of the page.
function t(text, texts) {
  return texts[text] ?? text;
}
