// The bar above the canvas: what can be done with all of it, and whether it is kept.
import { useEffect, useRef, useSyncExternalStore } from "react";

import type { Command } from "../keys";
import { t, tn } from "../language";
import type { Edits } from "../panel/edits";
import { nameOf } from "../panel/places";
import type { Studio } from "../store";
import { useStudio, useSurroundings } from "./context";
import { Icon, type IconName } from "./icons";

export type Look = "drawing" | "list";

function Tool({ command, label, icon, disabled = false, pressed }: { command: Command | (() => void); label: string; icon: IconName; disabled?: boolean; pressed?: boolean }) {
  const { run } = useSurroundings();
  return (
    <button type="button" className="studio-tool" aria-label={label} title={label} disabled={disabled} aria-pressed={pressed} onClick={() => (typeof command === "string" ? run(command) : command())}>
      <Icon name={icon} />
    </button>
  );
}

export function Toolbar({ look, setLook, matches, goOn, toggleFull, isFull }: { look: Look; setLook(look: Look): void; matches: number | null; goOn(by: number): void; toggleFull(): void; isFull: boolean }) {
  const studio = useStudio();
  const { isEditable, run } = useSurroundings();
  useEdits(studio);
  return (
    <div className="studio-toolbar" role="toolbar" aria-label={t("Canvas")}>
      <span className="studio-looks" role="group" aria-label={t("Shown as")}>
        <button type="button" aria-pressed={look === "drawing"} onClick={() => setLook("drawing")}>
          <Icon name="drawing" size={16} /> <span className="studio-word">{t("Drawing")}</span>
        </button>
        <button type="button" aria-pressed={look === "list"} onClick={() => setLook("list")}>
          <Icon name="list" size={16} /> <span className="studio-word">{t("List")}</span>
        </button>
      </span>
      {isEditable && (
        <>
          <button type="button" className="studio-button" onClick={() => run("add")}>
            <Icon name="plus" size={16} /> {t("Step")}
          </button>
          <Tool command="undo" label={t("Undo")} icon="undo" disabled={!studio.canUndo} />
          <Tool command="redo" label={t("Redo")} icon="redo" disabled={!studio.canRedo} />
        </>
      )}
      <button type="button" className="studio-button" aria-pressed={studio.isWorkflowOpen && !studio.isPanelCovered} title={t("Title, inputs and outputs (W)")} onClick={() => run("workflow")}>
        <Icon name="note" size={16} /> <span className="studio-word">{t("Workflow")}</span>
      </button>
      <label className="studio-search">
        <Icon name="search" size={16} />
        <input
          type="search"
          aria-label={t("Search steps")}
          placeholder={t("Search")}
          value={studio.search}
          onChange={(event) => studio.find(event.target.value)}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Enter") {
              event.preventDefault();
              goOn(event.shiftKey ? -1 : 1);
            }
            if (event.key === "Escape") {
              studio.find("");
              run("close");
            }
          }}
        />
        {matches !== null && <small aria-live="polite">{matches === 0 ? t("none") : t("{count} found", { count: matches })}</small>}
      </label>
      {look === "drawing" && (
        <>
          <Tool
            command={() => {
              studio.isEverywhereData = !studio.isEverywhereData;
              studio.changed();
            }}
            label={t("Show which steps use each other's outputs")}
            icon="data"
            pressed={studio.isEverywhereData}
          />
          <Tool command="fit" label={t("Show everything")} icon="fit" />
          {document.fullscreenEnabled && <Tool command={toggleFull} label={isFull ? t("Leave full screen") : t("Full screen")} icon={isFull ? "small" : "full"} />}
        </>
      )}
      {studio.mounted.mayRun && (
        <button type="button" className="studio-button" disabled={studio.isDirty} title={t("Read once, and show what would be written. Nothing is written or sent. Save first.")} onClick={() => void studio.flow.try()}>
          <Icon name="start" size={16} /> {t("Try it")}
        </button>
      )}
      {studio.mounted.mayRun && (
        <button type="button" className="studio-button" title={t("Run the draft in the demo step by step (D)")} disabled={studio.debugger.isOn} onClick={() => run("debug")}>
          <Icon name="breakpoint" size={16} /> <span className="studio-word">{t("Debug")}</span>
        </button>
      )}
      {studio.mounted.mayEdit && (
        <button type="button" className="studio-button" aria-pressed={studio.copilot.isOpen} title={t("Ask, or say what to change (P)")} onClick={() => run("copilot")}>
          <Icon name="copilot" size={16} /> <span className="studio-word">{t("Co-pilot")}</span>
        </button>
      )}
      <Tool command={() => studio.flow.toggle()} label={studio.flow.isOn ? t("Hide the run") : t("Show the last run")} icon="pending" pressed={studio.flow.isOn} />
      <Tool command="help" label={t("Keys")} icon="help" />
      <State />
      {isEditable && (
        // Always there, so that nothing moves under the mouse when something becomes unsaved.
        <>
          <button type="button" className="studio-plain" disabled={!studio.isDirty} onClick={() => studio.open({ kind: "discard" })}>
            {t("Discard")}
          </button>
          <button type="button" className="studio-button" data-tone="primary" disabled={studio.isSaving || !(studio.isDirty || studio.isTyping)} onClick={() => run("save")}>
            {t("Save")}
          </button>
        </>
      )}
    </div>
  );
}

// Draw again whenever something is typed into the fields of the panel.
function useEdits({ edits }: Studio): Edits {
  useSyncExternalStore(edits.subscribe, edits.snapshot);
  return edits;
}

// Whether the draft is stored, as a text.
function State() {
  const studio = useStudio();
  const { faulty } = useEdits(studio);
  const { state, canvas, keptAt, mounted, queue, failure } = studio;
  const last = useRef("");
  let [text, tone] = ["", ""];
  const waiting = queue.changes.length;
  const many = tn("{count} change waits", "{count} changes wait", waiting);
  if (failure) [text, tone] = [failure, "error"];
  else if (!mounted.mayEdit) text = t("You can look at this workflow, but not change it.");
  else if (state.kind === "waiting") [text, tone] = [t("Not kept: {why}. {many}, and will be sent.", { why: state.why, many }), "error"];
  else if (state.kind === "signed-out") [text, tone] = [t("Not kept: you are signed out. {many}: sign in in another tab.", { many }), "error"];
  else if (state.kind === "clash") [text, tone] = [t("Not kept: it clashes with another change."), "error"];
  else if (faulty.length > 0) [text, tone] = [t("Not kept: what you typed into {names}.", { names: faulty.map(nameOf).join(", ") }), "error"];
  else if (waiting > 0) text = t("Keeping …");
  else if (studio.isTyping) text = t("Typing …");
  else if (canvas?.is_draft) text = keptAt ? t("Draft kept {time}", { time: clock(keptAt) }) : t("Draft kept");
  else if (canvas) text = t("Saved");
  useEffect(() => {
    if (tone === "error" && last.current !== text) studio.speak(text);
    last.current = text;
  }, [text, tone, studio]);
  return (
    <span className="studio-state" data-tone={tone || undefined}>
      <span title={text}>{text}</span>
      {(state.kind === "waiting" || state.kind === "signed-out") && (
        <button type="button" className="studio-plain" onClick={() => queue.retry()}>
          {t("Try now")}
        </button>
      )}
    </span>
  );
}

const clock = (time: Date): string => `${String(time.getHours()).padStart(2, "0")}:${String(time.getMinutes()).padStart(2, "0")}`;
