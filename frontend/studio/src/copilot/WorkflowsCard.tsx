// The same change of several workflows: a proposal for each, accepted one by one or all, each with ticks of its own.
import { useEffect, useRef, useState } from "react";

import { t, tn } from "../language";
import type { Copilot } from "./copilot";
import { routes } from "./requests";
import type { ProposalReference, Proposal } from "./shapes";
import { agreedWords } from "./words";

export function WorkflowsCard({ copilot, workflows }: { copilot: Copilot; workflows: ProposalReference[] }) {
  const [proposals, setProposals] = useState<Proposal[]>([]);
  const [refusals, setRefusals] = useState<string[]>([]);
  const card = useRef<HTMLElement>(null);
  const [isBusy, setBusy] = useState(false);
  const ids = workflows.map((one) => one.proposal_id).join(" ");
  useEffect(() => {
    const load = workflows.map((one) => routes.proposal(one.workflow, one.proposal_id).catch(() => null));
    void Promise.all(load).then((found) => setProposals(found.filter((one) => one !== null)));
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [ids]);
  const open = proposals.filter((one) => one.status === "open" && one.is_acceptable);
  const accepted = proposals.filter((one) => one.status === "accepted").length;
  const ready = open.filter((one) => one.ticks.every(({ id }) => copilot.choice(one).ticks.has(id)));
  const accept = async (chosen: Proposal[]): Promise<void> => {
    setBusy(true);
    const refused: string[] = [];
    for (const one of chosen) {
      try {
        const now = await copilot.acceptOf(one, one.ticks.map(({ id }) => id));
        setProposals((all) => all.map((other) => (other.id === now.id ? now : other)));
      } catch (error) {
        refused.push(`${one.workflow}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    setRefusals(refused);
    setBusy(false);
    card.current?.focus({ preventScroll: true }); // the button that was pressed may be gone
  };
  return (
    <section ref={card} tabIndex={-1} className="copilot-card copilot-workflows" aria-label={t("The same change in several workflows")}>
      <h4>{tn("{count} workflow would change", "{count} workflows would change", workflows.length)}</h4>
      {proposals.map((one) => (
        <OneWorkflow key={one.id} copilot={copilot} proposal={one} isReady={ready.includes(one)} isBusy={isBusy} onAccept={() => void accept([one])} />
      ))}
      {open.length > 0 && (
        <p className="copilot-row">
          <button type="button" className="studio-button" data-tone="primary" disabled={isBusy || ready.length === 0} onClick={() => void accept(ready)}>
            {tn("Accept {count} of {all}", "Accept {count} of {all}", ready.length, { all: open.length })}
          </button>
          {ready.length < open.length && <small className="studio-quiet">{t("Workflows with points that you have not agreed to stay as they are.")}</small>}
        </p>
      )}
      <p role="status">{doneWords(accepted, refusals)}</p>
    </section>
  );
}

// Return what was done, and what runs use as before.
export function doneWords(accepted: number, refusals: string[]): string {
  const words = tn(
    "Accepted into {count} draft. Runs use the saved file until you save it on its canvas.",
    "Accepted into {count} drafts. Runs use the saved files until you save each on its canvas.",
    accepted,
  );
  return [...(accepted > 0 ? [words] : []), ...refusals].join(" ");
}

interface OneProps {
  copilot: Copilot;
  proposal: Proposal;
  isReady: boolean;
  isBusy: boolean;
  onAccept(): void;
}

export function OneWorkflow({ copilot, proposal: one, isReady, isBusy, onAccept }: OneProps) {
  return (
    <div className="copilot-of-workflow">
      <details data-status={one.status}>
        <summary>
          <b>{one.workflow}</b> {one.status === "accepted" ? t("Accepted") : tn("{count} change", "{count} changes", one.sentences.length)}
          {one.ticks.length > 0 && one.status === "open" && ` · ${tn("{count} point to agree to", "{count} points to agree to", one.ticks.length)}`}
        </summary>
        <ul>
          {one.sentences.map((sentence, index) => (
            <li key={index}>{sentence}</li>
          ))}
        </ul>
        {one.status === "open" && <Points copilot={copilot} proposal={one} />}
        {one.status === "open" && (
          <p className="copilot-row">
            <button type="button" className="studio-button" disabled={isBusy || !isReady} onClick={onAccept}>
              {t("Accept for {workflow}", { workflow: one.workflow })}
            </button>
            <a href={canvasOf(one.workflow)} target="_top">
              {t("Open it")}
            </a>
          </p>
        )}
      </details>
      {one.status === "accepted" && (
        <a href={canvasOf(one.workflow)} target="_top" aria-label={t("Open the canvas of {workflow}", { workflow: one.workflow })}>
          {t("Open the canvas")}
        </a>
      )}
    </div>
  );
}

const canvasOf = (workflow: string): string => `/workflow?name=${encodeURIComponent(workflow)}&tab=canvas`;

function Points({ copilot, proposal }: { copilot: Copilot; proposal: Proposal }) {
  if (proposal.ticks.length === 0) return null;
  const { ticks } = copilot.choice(proposal);
  return (
    <fieldset className="copilot-ticks">
      <legend>{t("Agree to each of these by itself")}</legend>
      {proposal.ticks.map((tick) => (
        <label key={tick.id}>
          <input type="checkbox" checked={ticks.has(tick.id)} onChange={(event) => copilot.tick(proposal, tick.id, event.target.checked)} />
          <span>
            <b>{agreedWords(tick.kind)}:</b> {tick.words}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
