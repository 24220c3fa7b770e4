// The entry: shows a canvas in an element of the page. Loaded by dashboard/assets/studio/mount.js.
import flowStyle from "@xyflow/react/dist/base.css";
import { createRoot, type Root } from "react-dom/client";

import { keepUncovered } from "./away";
import { speak, type Texts } from "./language";
import { Studio, type Mounted } from "./store";
import { showAlone, type Alone, type AloneMounted } from "./copilot/Alone";
import copilotStyle from "./copilot/copilot.css";
import { colorFrom } from "./panel/colors";
import panelStyle from "./panel/panel.css";
import style from "./style.css";
import { App } from "./ui/App";

const roots = new WeakMap<Element, { root: Root; studio: Studio; end(): void }>();

// Show or update the canvas in `parent`; `tellSaved` is called when the file was saved or the draft discarded. `texts`
// are the translations of its texts, by the English ones.
export function mount(parent: Element, mounted: Mounted, tellSaved: () => void, texts: Texts = {}): void {
  addStyle();
  speak(texts);
  colorFrom(mounted.editor ?? "");
  const known = roots.get(parent);
  if (known && known.studio.mounted.workflow === mounted.workflow) {
    known.studio.remount(mounted);
    return;
  }
  known?.end();
  const place = document.createElement("div");
  parent.append(place);
  const studio = new Studio(mounted, tellSaved);
  const root = createRoot(place);
  root.render(<App studio={studio} />);
  const wake = () => document.visibilityState === "visible" && (studio.queue.retry(), void studio.refresh());
  const warn = (event: BeforeUnloadEvent) => studio.queue.isEmpty || event.preventDefault();
  addEventListener("focus", wake);
  addEventListener("online", wake);
  document.addEventListener("visibilitychange", wake);
  addEventListener("beforeunload", warn);
  const uncover = keepUncovered();
  roots.set(parent, {
    root,
    studio,
    end: () => {
      studio.end();
      uncover();
      removeEventListener("focus", wake);
      removeEventListener("online", wake);
      document.removeEventListener("visibilitychange", wake);
      removeEventListener("beforeunload", warn);
      root.unmount();
      place.remove();
      roots.delete(parent);
    },
  });
  void studio.refresh();
  studio.listen();
}

// Show the co-pilot without a canvas, in `parent`, as `showAlone` does. Loaded by dashboard/assets/copilot.js.
export function mountCopilot(parent: Element, mounted: AloneMounted, text: () => string | null, changed: () => void, turned: (isOpen: boolean) => void, texts: Texts = {}): Alone {
  addStyle();
  speak(texts);
  return showAlone(parent, mounted, text, changed, turned);
}

// Take the canvas away.
export function unmount(parent: Element): void {
  roots.get(parent)?.end();
}

function addStyle(): void {
  if (document.getElementById("studio-style")) return;
  const element = document.createElement("style");
  element.id = "studio-style";
  element.textContent = flowStyle + style + panelStyle + copilotStyle;
  document.head.append(element);
}
