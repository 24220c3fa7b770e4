// The canvas with its bar, its list and its panel; it turns keys into commands.
import { ReactFlowProvider } from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import { stepIn } from "../document";
import { CopilotPanel } from "../copilot/CopilotPanel";
import { DebugBar } from "../flow/DebugBar";
import { FlowBar } from "../flow/FlowBar";
import { faultyOutput } from "../outputs";
import { gapAfter, gapBefore, gapTowards } from "../gestures";
import { t } from "../language";
import type { Gap } from "../layout";
import { commandOf, type Command } from "../keys";
import { KEY_STEP } from "../own";
import { Panel } from "../panel/Panel";
import { THE_WORKFLOW } from "../panel/WorkflowForm";
import type { Studio } from "../store";
import { matching, shown, towards } from "../walk";
import { Canvas } from "./Canvas";
import { Context, type Camera } from "./context";
import { Dialogs } from "./Dialogs";
import { Icon } from "./icons";
import { Toolbar, type Look } from "./Toolbar";
import { TreeGrid } from "./TreeGrid";

const PHONE = 640;
// The panel of a step and the co-pilot stand beside each other only where the drawing still has room.
const BOTH = 1150;
const NO_CAMERA: Camera = { fit: () => undefined, zoom: () => undefined, show: () => undefined };
const DEBUGGING = new Set<Command>(["breakpoint", "debug", "debug-step", "debug-continue", "debug-stop"]);
const READING = new Set<Command>(["copilot", ...DEBUGGING, "workflow", "outputs", "up", "down", "left", "right", "first", "last", "extend-up", "extend-down", "open", "close", "toggle", "fold", "copy", "all", "find", "fit", "zoom-in", "zoom-out", "menu", "help"]);

export function App({ studio }: { studio: Studio }) {
  useSyncExternalStore(studio.subscribe, studio.snapshot);
  const root = useRef<HTMLDivElement>(null);
  const camera = useRef<Camera>(NO_CAMERA);
  const [width, setWidth] = useState(1000);
  const [chosen, setLook] = useState<Look | null>(null);
  const [isFull, setFull] = useState(false);
  const wantsFocus = useRef(false);
  const isPointing = useRef(false);
  // Whether a step or a line has the focus; still so when that is taken away, which is no event here.
  const isOnDrawing = useRef(false);
  const isPhone = width < PHONE;
  const look: Look = chosen ?? (isPhone ? "list" : "drawing");
  const isEditable = !studio.readOnly && !(isPhone && look === "drawing");
  const { view, search } = studio;

  useEffect(() => {
    // Without a width it is hidden, as another tab is open: that is no phone, on which the co-pilot covers the page.
    const watch = new ResizeObserver(([entry]) => entry && entry.contentRect.width > 0 && setWidth(entry.contentRect.width));
    watch.observe(root.current!);
    const onFull = () => setFull(document.fullscreenElement === root.current);
    document.addEventListener("fullscreenchange", onFull);
    return () => {
      watch.disconnect();
      document.removeEventListener("fullscreenchange", onFull);
    };
  }, []);

  const found = useMemo(() => {
    if (!search.trim()) return null;
    return matching(view.model, search, (node) => JSON.stringify(stepIn(view.definition, node.step.id)?.with ?? ""));
  }, [search, view]);
  const foundKeys = useMemo(() => found && new Set(found.map((one) => one.key)), [found]);

  // ---- the focus follows the current step, if it was inside the canvas or a dialog of it has closed

  const { current, dialog } = studio;
  const hadDialog = useRef(false);
  useEffect(() => {
    const hasClosed = hadDialog.current && dialog === null;
    hadDialog.current = dialog !== null;
    wantsFocus.current ||= hasClosed;
    const key = current ?? view.model.list[0]?.key;
    if (!wantsFocus.current || dialog !== null || key === undefined) return;
    const frame = requestAnimationFrame(() => {
      const element = elementOf(root.current, key);
      if (!element) return; // not drawn yet
      wantsFocus.current = false;
      camera.current.show(key);
      focus(element, look);
    });
    return () => cancelAnimationFrame(frame);
  }, [current, dialog, view, look, studio.isPanelOpen, studio.isWorkflowOpen, studio.copilot.isOpen]);
  // The step that had the focus may be gone: the next key is not lost. A microtask later, because React Flow takes its cards
  // away in a render of its own.
  useEffect(() => {
    if (!isOnDrawing.current) return;
    queueMicrotask(() => {
      if (!isOnDrawing.current || !root.current || document.activeElement !== document.body) return;
      focus((studio.current !== null && elementOf(root.current, studio.current)) || root.current, look);
    });
  }, [current, view, look, studio]);

  // A step before which a debug run pauses comes into view, once the panel beside it is drawn.
  const pausedAt = studio.debugger.isOn ? studio.debugger.chosen : null;
  useEffect(() => {
    const key = pausedAt && studio.view.model.byPath.get(pausedAt.step)?.key;
    if (!key) return;
    const timer = setTimeout(() => camera.current.show(key), 60);
    return () => clearTimeout(timer);
  }, [pausedAt?.path, pausedAt?.since, studio]);

  studio.copilot.isSheet = isPhone;
  studio.hasRoomForBoth = width >= BOTH;
  // So does a step that the co-pilot shows.
  useEffect(() => {
    if (studio.shown === 0 || studio.current === null) return;
    const key = studio.current;
    const timer = setTimeout(() => camera.current.show(key), 60);
    return () => clearTimeout(timer);
  }, [studio.shown, studio]);

  // What was accepted may have made the drawing larger than its place.
  useEffect(() => {
    if (studio.accepted === 0) return;
    const timer = setTimeout(() => camera.current.fit(), 60);
    return () => clearTimeout(timer);
  }, [studio.accepted, studio]);

  const goOn = useCallback(
    (by: number) => {
      if (!found || found.length === 0) return;
      const at = found.findIndex((one) => one.key === studio.current);
      const next = found.at((at + by) % found.length)!;
      studio.reveal(next);
      studio.select([next.key], next.key);
      studio.speak(next.step.title);
      requestAnimationFrame(() => camera.current.show(next.key));
    },
    [found, studio],
  );

  const toggleFull = useCallback(() => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void root.current?.requestFullscreen();
  }, []);

  const run = useCallback(
    (command: Command): void => {
      if (!isEditable && !READING.has(command)) {
        if (!studio.readOnly) studio.say(t("The drawing is read-only on a narrow screen. Use the list to change the workflow."));
        return;
      }
      if (!studio.mounted.mayRun && DEBUGGING.has(command)) return;
      const { model } = studio.view;
      const isFolded = (node: { key: string }) => studio.folded.has(node.key);
      const node = studio.node(studio.current) ?? focused(studio);
      const ensure = () => {
        if (node && studio.selected.size === 0) studio.select([node.key], node.key);
      };
      const goTo = (to: typeof node, isExtending = false) => {
        if (!to) return;
        wantsFocus.current = true;
        studio.select(isExtending ? [...studio.selected, ...(node ? [node.key] : []), to.key] : [to.key], to.key);
      };
      const step = (way: "up" | "down" | "left" | "right", isExtending = false) => {
        if (look === "drawing") return goTo(towards(model, node, way, isFolded), isExtending);
        const rows = shown(model, isFolded);
        if (way === "left" || way === "right") {
          if (node?.inner && isFolded(node) === (way === "right")) return studio.fold(node);
          return goTo(way === "left" ? (node?.block.owner ?? null) : (node?.inner?.nodes[0] ?? null));
        }
        const at = node ? rows.indexOf(node) : -1;
        goTo(rows[Math.max(0, Math.min(rows.length - 1, at + (way === "down" ? 1 : -1)))] ?? null, isExtending);
      };
      // Focus what is current now, while nothing is drawn anew yet: later the page would have to work out its styles first.
      const goOver = () => {
        const next = focused(studio) && studio.current !== null ? elementOf(root.current, studio.current) : null;
        if (next) focus(next, look);
      };
      const end: Gap = { block: model.main, after: null, before: null };
      const shift = (way: "up" | "down" | "out" | "in") => {
        ensure();
        const first = way === "down" ? studio.selectedNodes.at(-1) : studio.selectedNodes[0];
        const gap = first && gapTowards(first, way);
        if (!gap) return studio.speak(t("It cannot go further."));
        wantsFocus.current = true;
        studio.move(studio.selected, gap);
      };
      switch (command) {
        case "up":
        case "down":
        case "left":
        case "right":
          return step(command);
        case "extend-up":
          return step("up", true);
        case "extend-down":
          return step("down", true);
        case "first":
          return goTo(shown(model, isFolded)[0] ?? null);
        case "last":
          return goTo(shown(model, isFolded).at(-1) ?? null);
        case "move-up":
          return shift("up");
        case "move-down":
          return shift("down");
        case "move-out":
          return shift("out");
        case "move-in":
          return shift("in");
        case "open":
          if (node) studio.select([node.key], node.key);
          studio.showPanel();
          requestAnimationFrame(() => root.current?.querySelector<HTMLElement>(".studio-panel :is(input, textarea, select)")?.focus());
          return;
        case "workflow":
          studio.openWorkflow();
          requestAnimationFrame(() => root.current?.querySelector<HTMLElement>(".studio-panel :is(input, textarea, select)")?.focus());
          return;
        case "outputs":
          studio.openWorkflow(true);
          requestAnimationFrame(() => {
            const field = root.current?.querySelector<HTMLElement>('.studio-panel [data-name="outputs"]');
            const row = field?.querySelector<HTMLElement>(`#panel-outputs-${faultyOutput(studio.view)}`);
            (row ?? field?.querySelector<HTMLElement>("textarea, input, button"))?.focus({ preventScroll: true });
            field?.scrollIntoView({ block: "nearest" });
          });
          return;
        case "copilot":
          if (node && studio.selected.size === 0 && look === "drawing" && focused(studio)) studio.select([node.key], node.key);
          studio.openCopilot();
          wantsFocus.current = !studio.copilot.isOpen;
          return;
        case "close":
          if (studio.trigger !== null) studio.openTrigger(null);
          else if (studio.isWorkflowOpen) studio.openWorkflow(false);
          else if (studio.isPanelOpen && studio.selected.size > 0) studio.openPanel(false);
          else if (studio.search) studio.find("");
          else studio.select([]);
          wantsFocus.current = true;
          return studio.changed();
        case "add":
          return studio.open({ kind: "picker", gap: studio.selected.size > 0 && node ? gapAfter(node) : end });
        case "add-before":
          return studio.open({ kind: "picker", gap: node ? gapBefore(node) : end });
        case "toggle": {
          if (!node) return;
          const next = new Set(studio.selected);
          if (!next.delete(node.key)) next.add(node.key);
          return studio.select(next, node.key);
        }
        case "fold":
          return node ? studio.fold(node) : undefined;
        case "wider":
        case "narrower":
        case "taller":
        case "shorter": {
          ensure();
          const [x, y] = { wider: [1, 0], narrower: [-1, 0], taller: [0, 1], shorter: [0, -1] }[command] as [number, number];
          return studio.resize(studio.selectedNodes, ([w, h]) => [w + x * KEY_STEP, h + y * KEY_STEP]);
        }
        case "rename":
          return node ? studio.open({ kind: "rename", key: node.key }) : undefined;
        case "note":
          return node ? studio.open({ kind: "note", key: node.key }) : undefined;
        case "connect":
          return node ? studio.open({ kind: "connect", key: node.key }) : undefined;
        case "use":
          return node ? studio.open({ kind: "join", from: null, to: node.key }) : undefined;
        case "remove":
          wantsFocus.current = true;
          if (typeof studio.trigger === "number") return studio.removeTrigger(studio.trigger);
          if (!studio.line) ensure();
          studio.remove();
          return goOver();
        case "group":
          ensure();
          wantsFocus.current = true;
          return studio.group();
        case "ungroup":
          ensure();
          wantsFocus.current = true;
          return studio.ungroup();
        case "undo":
        case "redo":
          wantsFocus.current ||= focused(studio) !== null;
          return studio.undo(command);
        case "copy":
        case "cut":
          ensure();
          document.execCommand(command); // an event of its own: it may write to the clipboard also without TLS
          return;
        case "paste":
          navigator.clipboard?.readText?.().then(
            (text) => paste(studio, text),
            () => studio.say(t("The browser does not let a menu read the clipboard. Press Ctrl+V."), true),
          ) ?? studio.say(t("Press Ctrl+V."), true);
          return;
        case "duplicate": {
          ensure();
          const text = studio.copy();
          wantsFocus.current = text !== null; // the next key is for the copy
          if (text) void studio.paste(text);
          return;
        }
        case "all":
          return studio.select(model.main.nodes.map((one) => one.key));
        case "find":
          root.current?.querySelector<HTMLInputElement>(".studio-search input")?.focus();
          return;
        case "fit":
          return camera.current.fit();
        case "zoom-in":
          return camera.current.zoom(1.25);
        case "zoom-out":
          return camera.current.zoom(0.8);
        case "menu": {
          ensure();
          const box = document.activeElement?.getBoundingClientRect();
          return studio.open({ kind: "menu", x: (box?.left ?? 0) + 24, y: (box?.top ?? 0) + 24, key: studio.current });
        }
        case "breakpoint": {
          const calls = (studio.selected.size > 0 ? studio.selectedNodes : node ? [node] : []).filter((one) => one.step.uses !== "");
          if (calls.length === 0) return studio.speak(t("A breakpoint is set on a step that makes a call."));
          for (const one of calls) {
            studio.debugger.toggle(one.step.id);
            studio.speak(studio.debugger.breakpoints.has(one.step.id) ? t("Breakpoint on {title}", { title: one.step.title }) : t("No breakpoint on {title}", { title: one.step.title }));
          }
          return;
        }
        case "debug":
          return studio.debug();
        case "debug-step":
          return studio.debugger.step();
        case "debug-continue":
          return studio.debugger.goOn();
        case "debug-stop":
          return studio.debugger.stop();
        case "help":
          return studio.open({ kind: "help" });
        case "save":
          return void studio.save();
      }
    },
    [studio, look, isEditable],
  );

  const surroundings = useMemo(() => ({ studio, camera, run, isEditable }), [studio, run, isEditable]);
  const isOutside = studio.canvas !== null && studio.canvas.is_draft && studio.canvas.etag !== studio.canvas.saved_etag;
  const triggers = useMemo(
    () => ({ types: studio.loadTriggerTypes, statuses: studio.triggerStatuses, turn: studio.turnTrigger, open: (which: number | "new" | null) => studio.openTrigger(which) }),
    [studio, studio.triggerStatuses],
  );
  const selected = useMemo(() => studio.selectedNodes.map((one) => one.step), [studio, studio.selected, view]);
  const marks = studio.debugger.marks(studio.flow.marks);
  const isWhole = studio.isWorkflowOpen || studio.trigger !== null;
  const shownInPanel = isWhole ? [THE_WORKFLOW] : selected;
  const isCovered = studio.isPanelCovered;
  // Covered, the form of the workflow or of a trigger keeps what is typed in it and not sent yet, such as a new name.
  const hasPanel = isWhole ? view.definition !== null : !isCovered && studio.isPanelOpen && selected.length > 0;
  return (
    <Context.Provider value={surroundings}>
      <div
        ref={root}
        tabIndex={-1}
        className="studio"
        data-phone={isPhone || undefined}
        onPointerDownCapture={() => (isPointing.current = true)}
        onPointerUpCapture={() => (isPointing.current = false)}
        onBlur={() => (isOnDrawing.current = false)}
        onFocus={(event) => {
          isOnDrawing.current = event.target instanceof Element && event.target.closest("[data-step], [data-line]") !== null;
          // What the keyboard or a reader goes to is what the next key is about.
          const key = event.target instanceof HTMLElement ? event.target.dataset.step : undefined;
          if (key === undefined || isPointing.current || key === studio.current) return;
          if (studio.selected.has(key)) studio.current = key;
          else studio.select([key], key);
        }}
        onKeyDown={(event) => {
          isPointing.current = false;
          if (isTyping(event.target)) return;
          const command = commandOf(event);
          if (command === null || (isButton(event.target) && (command === "open" || command === "toggle"))) return;
          event.preventDefault();
          event.stopPropagation();
          run(command);
        }}
        onCopy={(event) => !isTyping(event.target) && copy(studio, event, false)}
        onCut={(event) => !isTyping(event.target) && isEditable && copy(studio, event, true)}
        onPaste={(event) => {
          if (isTyping(event.target) || !isEditable) return;
          event.preventDefault();
          wantsFocus.current = true;
          paste(studio, event.clipboardData.getData("text/plain"));
        }}
      >
        <Toolbar look={look} setLook={setLook} matches={found && found.length} goOn={goOn} toggleFull={toggleFull} isFull={isFull} />
        {isOutside && (
          <p className="studio-banner" role="status">
            {studio.canvas?.saved_etag
              ? t("The file was saved elsewhere since this draft was begun. Nothing is overwritten: Save shows what differs.")
              : t("The file was deleted since this draft was begun. Save can make it again.")}
          </p>
        )}
        {studio.canvas && view.definition === null && (
          <p className="studio-banner" role="alert">
            {t("The text is not a workflow yet, so it cannot be drawn. Correct it on the tab Edit.")}
          </p>
        )}
        <FlowBar />
        <DebugBar />
        <div className="studio-body">
          {studio.canvas === null ? (
            <p className="studio-quiet studio-empty">{studio.failure || t("Loading …")}</p>
          ) : look === "drawing" ? (
            <ReactFlowProvider>
              <Canvas marks={marks} />
            </ReactFlowProvider>
          ) : (
            <TreeGrid marks={marks} found={foundKeys} />
          )}
          {hasPanel && (
            <aside className="studio-panel" hidden={isCovered} aria-label={studio.trigger !== null ? t("Trigger") : studio.isWorkflowOpen ? t("The workflow") : t("Selected step")} onKeyDown={(event) => panelKey(event, run)}>
              <Panel
                workflow={studio.mounted.workflow}
                owner={studio.mounted.owner}
                steps={view.steps}
                selected={shownInPanel}
                definition={view.definition}
                rev={studio.queue.isEmpty ? (studio.canvas?.rev ?? "") : null}
                problems={view.problems}
                readOnly={studio.readOnly}
                send={studio.send}
                stepTypes={() => studio.stepTypes()}
                stepSchema={studio.stepSchema}
                flow={studio.flow}
                looking={{ lookOf: (path) => studio.canvas?.looks[path], onLook: (change) => studio.restyle(studio.selectedNodes, change) }}
                trigger={studio.trigger}
                triggers={triggers}
                onAskWhy={studio.mounted.mayEdit ? (id) => studio.explainCode(id) : undefined}
                onClose={() => run("close")}
              />
            </aside>
          )}
          {studio.copilot.isOpen && studio.mounted.mayEdit && (
            <CopilotPanel
              copilot={studio.copilot}
              focusNumber={studio.askNumber}
              isSheet={isPhone}
              onClose={() => run("copilot")}
              onEdit={hasPanel || selected.length !== 1 ? undefined : () => run("open")}
              onSave={() => run("save")}
            />
          )}
        </div>
        {studio.toast && (
          <p className="studio-toast" role={studio.toast.isError ? "alert" : "status"} data-tone={studio.toast.isError ? "error" : undefined}>
            {studio.toast.text}
            <button type="button" className="studio-plain" aria-label={t("Close the message")} onClick={() => studio.hush()}>
              <Icon name="close" size={16} />
            </button>
          </p>
        )}
        <div className="studio-spoken" aria-live="polite">
          {studio.spoken}
        </div>
        <Dialogs />
      </div>
    </Context.Provider>
  );
}

const elementOf = (root: HTMLElement | null, key: string): HTMLElement | null => root?.querySelector<HTMLElement>(`[data-step="${CSS.escape(key)}"]`) ?? null;

// Focus an element, unless it has the focus: even that makes the page work out all its styles.
function focus(element: HTMLElement, look: Look): void {
  if (element !== document.activeElement) element.focus({ preventScroll: look === "drawing" });
}

// The step that has the focus though nothing was chosen yet.
function focused(studio: Studio) {
  const { activeElement } = document;
  return activeElement instanceof HTMLElement ? studio.node(activeElement.dataset.step ?? null) : null;
}

const isTyping = (target: EventTarget): boolean => target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
const isButton = (target: EventTarget): boolean => target instanceof HTMLElement && target.closest("button") !== null;

// Keys in the panel belong to its fields; Escape leaves it, and Ctrl+S saves what is typed, too.
function panelKey(event: React.KeyboardEvent, run: (command: Command) => void): void {
  event.stopPropagation();
  if (event.key === "Escape" && !event.defaultPrevented) run("close");
  if (commandOf(event) !== "save") return;
  event.preventDefault();
  const { activeElement: field } = document;
  if (field instanceof HTMLElement) {
    field.blur(); // which sends the change
    field.focus();
  }
  run("save");
}

function copy(studio: Studio, event: React.ClipboardEvent, isCut: boolean): void {
  if (String(getSelection() ?? "") !== "") return; // marked text
  const text = studio.copy();
  if (text === null) return;
  event.preventDefault();
  event.clipboardData.setData("text/plain", text);
  if (isCut) studio.remove();
}

function paste(studio: Studio, text: string): void {
  void studio.paste(text).then((isPasted) => {
    if (!isPasted) studio.say(t("There are no steps on the clipboard. Copy some first, here or in another workflow."), true);
  });
}
