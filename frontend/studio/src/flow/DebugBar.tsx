// The bar of a debug run: where it is paused, and Step, Continue and Stop; and what a paused step will get.
import { useState } from "react";

import type { CanvasStep, DebugView, StepResult } from "../api";
import { said, t } from "../language";
import { useStudio } from "../ui/context";
import { Icon, type IconName } from "../ui/icons";
import { lookOf } from "../ui/looks";
import { Modal } from "../ui/Modal";
import { askedInputs, pauseWords, typedInputs, type Asked } from "./debugging";

const LONGEST = 4000;

export function DebugBar() {
  const studio = useStudio();
  const { view, isOn, chosen } = studio.debugger;
  if (!view || !isOn) return null;
  const isPaused = chosen !== null;
  return (
    <section className="studio-flow studio-debug" aria-label={t("Debug run")} data-paused={isPaused || undefined}>
      <div className="studio-flow-row">
        <span className="studio-flow-status" role="status">
          <Icon name={isPaused ? "pause" : "running"} size={16} /> {pauseWords(view, chosen)}
        </span>
        {view.paused.length > 1 && <Which view={view} chosen={chosen?.path ?? ""} />}
        <Way icon="step" label={t("Step")} hint={t("Make this call, and pause before the next step (S)")} disabled={!isPaused} go={() => studio.debugger.step()} />
        <Way icon="start" label={t("Continue")} hint={t("Go on to the next breakpoint (R)")} disabled={!isPaused} go={() => studio.debugger.goOn()} />
        {chosen?.loop && <Way icon="loop" label={t("Past the loop")} hint={t("Continue, and do not pause in this loop any more")} go={() => studio.debugger.goOn("loop")} />}
        {chosen?.why === "breakpoint" && <Way icon="breakpoint" label={t("Without this breakpoint")} hint={t("Delete the breakpoint, and continue")} go={() => studio.debugger.goOn("breakpoint")} />}
        <Way icon="close" label={t("Stop")} hint={t("End the debug run (X)")} go={() => studio.debugger.stop()} />
      </div>
    </section>
  );
}

function Way({ icon, label, hint, disabled = false, go }: { icon: IconName; label: string; hint: string; disabled?: boolean; go(): void }) {
  return (
    <button type="button" className="studio-button" title={hint} disabled={disabled} onClick={go}>
      <Icon name={icon} size={16} /> {label}
    </button>
  );
}

function Which({ view, chosen }: { view: DebugView; chosen: string }) {
  const studio = useStudio();
  return (
    <label className="studio-flow-choice">
      {t("Which step")}
      <select value={chosen} onChange={(event) => studio.debugger.choose(event.target.value)}>
        {view.paused.map((one) => (
          <option key={one.path} value={one.path}>
            {[one.title || one.path, one.item].filter(Boolean).join(", ")}
          </option>
        ))}
      </select>
    </label>
  );
}

// What the selected step will get if it is paused, and what the step before it returned.
export function Pauses({ step }: { step: CanvasStep }) {
  const studio = useStudio();
  const { view, isOn } = studio.debugger;
  const paused = isOn ? studio.debugger.pausedAt(step.path) : [];
  if (!view || paused.length === 0) return null;
  return (
    <section className="panel-pause" aria-label={t("Debug run")}>
      {paused.map((one) => (
        <div key={one.path}>
          <h4>
            <Icon name="pause" size={14} /> {t("It will get")} {one.item && <small className="panel-quiet">{one.item}</small>}
          </h4>
          <pre tabIndex={0} aria-label={t("Arguments of {path}", { path: one.path })}>
            {shortened(one.arguments)}
          </pre>
        </div>
      ))}
      {view.last && <Last result={view.last} />}
    </section>
  );
}

function Last({ result }: { result: StepResult }) {
  return (
    <div>
      <h4>{t("Result of the last step")}</h4>
      <p>
        {result.title ? <b>{result.title}</b> : <code>{result.path}</code>} {lookOf(result.status).word}
      </p>
      <pre tabIndex={0} aria-label={t("Output of {path}", { path: result.path })}>
        {said(result.error) || shortened(result.output)}
      </pre>
    </div>
  );
}

function shortened(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text;
}

// The inputs of a debug run.
export function DebugDialog() {
  const studio = useStudio();
  const [asked, setAsked] = useState<Asked[]>(() => askedInputs(studio.view.definition));
  const start = async () => {
    studio.open(null);
    await studio.debugger.start(typedInputs(asked));
  };
  return (
    <Modal title={t("Debug in the demo")}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <p className="studio-quiet">{t("Your draft runs on the demo and pauses at your breakpoints, or at its first step. Real accounts are never used.")}</p>
        {asked.map((one, index) => (
          <label key={one.name} className="studio-debug-input">
            {one.title}
            <input value={one.text} data-first={index === 0 || undefined} onChange={(event) => setAsked(asked.map((other) => (other.name === one.name ? { ...other, text: event.target.value } : other)))} />
          </label>
        ))}
        <footer className="studio-dialog-foot">
          <button type="submit" className="studio-button" data-tone="primary">
            {t("Start")}
          </button>
          <button type="button" className="studio-button" onClick={() => studio.open(null)}>
            {t("Cancel")}
          </button>
        </footer>
      </form>
    </Modal>
  );
}
