// The bar above the canvas: what can be done with all of it, and whether it is kept.
import { useEffect, useRef, useSyncExternalStore } from "react";

import type { Command } from "../keys";
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
    <div className="studio-toolbar" role="toolbar" aria-label="Canvas">
      <span className="studio-looks" role="group" aria-label="Shown as">
        <button type="button" aria-pressed={look === "drawing"} onClick={() => setLook("drawing")}>
          <Icon name="drawing" size={16} /> Drawing
        </button>
        <button type="button" aria-pressed={look === "list"} onClick={() => setLook("list")}>
          <Icon name="list" size={16} /> List
        </button>
      </span>
      {isEditable && (
        <>
          <button type="button" className="studio-button" onClick={() => run("add")}>
            <Icon name="plus" size={16} /> Step
          </button>
          <Tool command="undo" label="Undo" icon="undo" disabled={!studio.canUndo} />
          <Tool command="redo" label="Redo" icon="redo" disabled={!studio.canRedo} />
        </>
      )}
      <button type="button" className="studio-button" aria-pressed={studio.isWorkflowOpen} title="Title, inputs and outputs (W)" onClick={() => run("workflow")}>
        <Icon name="note" size={16} /> Workflow
      </button>
      <label className="studio-search">
        <Icon name="search" size={16} />
        <input
          type="search"
          aria-label="Search steps"
          placeholder="Search"
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
        {matches !== null && <small aria-live="polite">{matches === 0 ? "none" : `${matches} found`}</small>}
      </label>
      {look === "drawing" && (
        <>
          <Tool
            command={() => {
              studio.isEverywhereData = !studio.isEverywhereData;
              studio.changed();
            }}
            label="Show which steps use each other's outputs"
            icon="data"
            pressed={studio.isEverywhereData}
          />
          <Tool command="fit" label="Show everything" icon="fit" />
          {document.fullscreenEnabled && <Tool command={toggleFull} label={isFull ? "Leave full screen" : "Full screen"} icon={isFull ? "small" : "full"} />}
        </>
      )}
      <Tool command={() => studio.flow.toggle()} label={studio.flow.isOn ? "Hide the run" : "Show the last run"} icon="pending" pressed={studio.flow.isOn} />
      <Tool command="help" label="Keys" icon="help" />
      <span className="studio-space" />
      <State />
      {isEditable && (
        // Always there, so that nothing moves under the mouse when something becomes unsaved.
        <>
          <button type="button" className="studio-plain" disabled={!studio.isDirty} onClick={() => studio.open({ kind: "discard" })}>
            Discard
          </button>
          <button type="button" className="studio-button" data-tone="primary" disabled={studio.isSaving || !(studio.isDirty || studio.isTyping)} onClick={() => run("save")}>
            Save
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
  const { unkept } = useEdits(studio);
  const { state, canvas, keptAt, mounted, queue, failure } = studio;
  const last = useRef("");
  let [text, tone] = ["", ""];
  const waiting = queue.changes.length;
  const many = waiting === 1 ? "1 change waits" : `${waiting} changes wait`;
  if (failure) [text, tone] = [failure, "error"];
  else if (!mounted.mayEdit) text = "You can look at this workflow, but not change it.";
  else if (state.kind === "waiting") [text, tone] = [`Not kept: ${state.why}. ${many}, and will be sent.`, "error"];
  else if (state.kind === "signed-out") [text, tone] = [`Not kept: you are signed out. ${many}: sign in in another tab.`, "error"];
  else if (state.kind === "clash") [text, tone] = ["Not kept: it clashes with another change.", "error"];
  else if (unkept.length > 0) [text, tone] = [`Not kept: what you typed into ${unkept.map((one) => nameOf(one.place)).join(", ")}.`, "error"];
  else if (waiting > 0) text = "Keeping …";
  else if (studio.isTyping) text = "Typing …";
  else if (canvas?.is_draft) text = keptAt ? `Draft kept ${clock(keptAt)}` : "Draft kept";
  else if (canvas) text = "Saved";
  useEffect(() => {
    if (tone === "error" && last.current !== text) studio.speak(text);
    last.current = text;
  }, [text, tone, studio]);
  return (
    <span className="studio-state" data-tone={tone || undefined}>
      {text}
      {(state.kind === "waiting" || state.kind === "signed-out") && (
        <button type="button" className="studio-plain" onClick={() => queue.retry()}>
          Try now
        </button>
      )}
    </span>
  );
}

const clock = (time: Date): string => `${String(time.getHours()).padStart(2, "0")}:${String(time.getMinutes()).padStart(2, "0")}`;
