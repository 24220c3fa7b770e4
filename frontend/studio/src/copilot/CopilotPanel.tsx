// The panel of the co-pilot, beside the canvas, the text or a run.
import { useEffect, useRef, useState } from "react";

import { commandOf } from "../keys";
import { said, t, tn } from "../language";
import { Icon } from "../ui/icons";
import { DEMO_QUESTIONS } from "./commands";
import { Composer } from "./Composer";
import type { Copilot } from "./copilot";
import { Model } from "./Model";
import { ProposalCard } from "./ProposalCard";
import { TurnView } from "./Turns";
import { Walk } from "./Walk";

export interface PanelProps {
  copilot: Copilot;
  // Changes when the field shall get the focus.
  focusNumber: number;
  // Whether it covers the page, as on a phone.
  isSheet: boolean;
  onClose(): void;
  // Show the fields of the selected step, where they are hidden.
  onEdit?: (() => void) | undefined;
  // Save the draft, where the keys of the canvas do.
  onSave?: (() => void) | undefined;
}

// So much below the log is worth a hint.
const MORE_PX = 40;

export function CopilotPanel(props: PanelProps) {
  return props.isSheet ? <Sheet {...props} /> : <Inside {...props} />;
}

// Over the whole page, whatever else there is on it.
function Sheet(props: PanelProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    if (!element.open) element.showModal(); // which would begin at the button that closes it
    element.querySelector<HTMLElement>("textarea")?.focus();
    return () => element.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="copilot-sheet"
      aria-label={t("Co-pilot")}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
    >
      <Inside {...props} />
    </dialog>
  );
}

function Inside({ copilot, focusNumber, onClose, onEdit, onSave }: PanelProps) {
  const log = useRef<HTMLDivElement>(null);
  useFollowing(copilot, log);
  const [isMore, look] = useMore(log);
  const { conversation, others } = copilot;
  const isEmpty = conversation.turns.length === 0 && others.length === 0;
  return (
    <aside className="studio-copilot" aria-label={t("Co-pilot")} onKeyDown={(event) => panelKey(event, onClose, onSave)} onCopy={stop} onCut={stop} onPaste={stop}>
      <header className="studio-panel-head">
        <h3>{t("Co-pilot")}</h3>
        <span className="studio-space" />
        {conversation.turns.length > 0 && (
          <button type="button" className="studio-plain" disabled={copilot.isWorking} onClick={() => void copilot.beginAnew()}>
            {t("Begin anew")}
          </button>
        )}
        <button type="button" className="studio-plain" aria-label={t("Close the co-pilot")} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div ref={log} className="copilot-log" tabIndex={0} role="region" aria-label={t("Conversation")} onScroll={look}>
        <Model copilot={copilot} />
        {isEmpty && copilot.isLoaded && <Empty copilot={copilot} />}
        {conversation.turns.map((one, index) => (
          <TurnView key={one.id || `new-${index}`} copilot={copilot} turn={one} isLast={index === conversation.turns.length - 1} />
        ))}
        {others.map((one) => (
          <ProposalCard key={one.id} copilot={copilot} proposal={one} />
        ))}
        <DemoQuestions copilot={copilot} />
        <Fixes copilot={copilot} />
        <Earlier copilot={copilot} />
      </div>
      <button type="button" className="studio-plain copilot-more" data-more={isMore || undefined} onClick={() => log.current?.scrollBy({ top: log.current.clientHeight * 0.8 })}>
        {t("More below")} <span aria-hidden="true">↓</span>
      </button>
      {copilot.failure && (
        <p role="alert" className="copilot-warning">
          {copilot.failure}
        </p>
      )}
      <p className="studio-spoken" role="status" aria-live="polite">
        {copilot.status}
      </p>
      {copilot.asking.run_id && <Walk copilot={copilot} run={copilot.asking.run_id} />}
      <Composer copilot={copilot} focusNumber={focusNumber} onEdit={onEdit} />
    </aside>
  );
}

const stop = (event: React.SyntheticEvent): void => event.stopPropagation();

// Keys in the panel belong to it; Escape closes it, and Ctrl+S saves what was accepted.
function panelKey(event: React.KeyboardEvent, onClose: () => void, onSave?: () => void): void {
  event.stopPropagation();
  if (event.defaultPrevented) return;
  const pressed = event.key === "Escape" ? onClose : commandOf(event) === "save" ? onSave : undefined;
  if (!pressed) return;
  event.preventDefault();
  pressed();
}

// Whether there is more below what the log shows, and what looks again.
function useMore(log: { current: HTMLDivElement | null }): [boolean, () => void] {
  const [isMore, setMore] = useState(false);
  const look = () => {
    const element = log.current;
    if (element) setMore(element.scrollHeight - element.scrollTop - element.clientHeight > MORE_PX);
  };
  useEffect(look);
  useEffect(() => {
    const watch = new ResizeObserver(look);
    const element = log.current!;
    watch.observe(element);
    element.addEventListener("toggle", look, true); // which does not bubble
    return () => {
      watch.disconnect();
      element.removeEventListener("toggle", look, true);
    };
  }, [log]);
  return [isMore, look];
}

// The newest question stays at the top while its answer arrives, unless the person scrolls.
function useFollowing(copilot: Copilot, log: { current: HTMLDivElement | null }): void {
  const isHeld = useRef(false);
  const count = copilot.conversation.turns.length;
  const before = useRef(count);
  useEffect(() => {
    if (before.current !== count) isHeld.current = false;
    before.current = count;
    const element = log.current;
    const hold = () => (isHeld.current = true);
    element?.addEventListener("wheel", hold, { passive: true });
    element?.addEventListener("touchmove", hold, { passive: true });
    element?.addEventListener("focusin", hold);
    return () => {
      element?.removeEventListener("wheel", hold);
      element?.removeEventListener("touchmove", hold);
      element?.removeEventListener("focusin", hold);
    };
  }, [count, log]);
  useEffect(() => {
    const last = log.current?.querySelector<HTMLElement>(".copilot-turn[data-last]");
    if (log.current && last && !isHeld.current) log.current.scrollTop = last.offsetTop - 8; // the log is what it is placed in
  }, [copilot.conversation, copilot.proposals, copilot.isLoaded, log]);
}

function Empty({ copilot }: { copilot: Copilot }) {
  return (
    <section className="copilot-empty" aria-label={t("What you can say")}>
      <p className="studio-quiet">{t("Ask something, or say what to change. A change is a proposal: nothing happens before you accept it, and nothing is saved or run.")}</p>
      <p>
        <a className="studio-button" href="/new-workflow" target="_top">
          {t("New workflow from three questions")}
        </a>
      </p>
      {copilot.asksModel && <Examples copilot={copilot} />}
    </section>
  );
}

// What can be said to a model, as examples.
function Examples({ copilot }: { copilot: Copilot }) {
  const step = copilot.host.subjects()[0] ?? copilot.host.steps()[0];
  const writes = copilot.host.steps().some((one) => one.effect === "writes");
  const examples = [t("explain this workflow"), t("what is wrong"), ...(writes ? [t("ask me before all writing steps")] : []), ...(step ? [t("retry {step} 5 times", { step: step.id }), t("what does {step} do", { step: step.id })] : [])];
  return (
    <div className="copilot-examples">
      {examples.map((one) => (
        <button key={one} type="button" className="studio-button" onClick={() => void copilot.ask(one)}>
          {one}
        </button>
      ))}
    </div>
  );
}

// The questions that the demo's model answers, until each has been asked.
function DemoQuestions({ copilot }: { copilot: Copilot }) {
  const asked = new Set(copilot.conversation.turns.map((one) => one.asked));
  const left = DEMO_QUESTIONS.filter((one) => !asked.has(one));
  if (!copilot.setup?.is_demo || !copilot.isLoaded || left.length === 0) return null;
  const buttons = (
    <div className="copilot-examples">
      {left.map((one) => (
        <button key={one} type="button" className="studio-button" disabled={copilot.isWorking} onClick={() => void copilot.ask(one)}>
          {t(one)}
        </button>
      ))}
    </div>
  );
  if (asked.size === 0) {
    return (
      <section className="copilot-empty" aria-label={t("Questions to the demo's model")}>
        {buttons}
      </section>
    );
  }
  return (
    <details className="copilot-earlier">
      <summary>{tn("{count} more question to the demo's model", "{count} more questions to the demo's model", left.length)}</summary>
      {buttons}
    </details>
  );
}

// Accepted proposals of earlier conversations, newest first.
function Earlier({ copilot }: { copilot: Copilot }) {
  const { earlier } = copilot;
  if (earlier.length === 0) return null;
  return (
    <details className="copilot-earlier">
      <summary>{tn("{count} proposal that you accepted before", "{count} proposals that you accepted before", earlier.length)}</summary>
      {earlier.toReversed().map((one) => (
        <ProposalCard key={one.id} copilot={copilot} proposal={one} />
      ))}
    </details>
  );
}

function Fixes({ copilot }: { copilot: Copilot }) {
  if (copilot.fixes.length === 0) return null;
  return (
    <section className="copilot-fixes" aria-label={t("Problems that can be mended")}>
      <h4>{t("Problems that can be mended")}</h4>
      <p className="copilot-row">
        {copilot.fixes.map((one, index) => (
          <button key={index} type="button" className="studio-button" disabled={copilot.isWorking} onClick={() => void copilot.propose(one.ops, one.label)}>
            {said(one.label)}
          </button>
        ))}
      </p>
    </section>
  );
}
