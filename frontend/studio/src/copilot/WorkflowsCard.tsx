// The same change of several workflows: a proposal for each, accepted one by one or all, each with ticks of its own.
import { useEffect, useState } from "react";

import { t, tn } from "../language";
import type { Copilot } from "./copilot";
import { routes } from "./requests";
import type { OfWorkflow, Proposal } from "./shapes";
import { agreedWords } from "./words";

export function WorkflowsCard({ copilot, workflows }: { copilot: Copilot; workflows: OfWorkflow[] }) {
  const [proposals, setProposals] = useState<Proposal[]>([]);
  const [ticks, setTicks] = useState<ReadonlySet<string>>(new Set());
  const [said, setSaid] = useState("");
  const [isBusy, setBusy] = useState(false);
  const ids = workflows.map((one) => one.proposal_id).join(" ");
  useEffect(() => {
    const load = workflows.map((one) => routes.proposal(one.workflow, one.proposal_id).catch(() => null));
    void Promise.all(load).then((found) => setProposals(found.filter((one) => one !== null)));
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [ids]);
  const open = proposals.filter((one) => one.status === "open" && one.is_acceptable);
  const ready = open.filter((one) => one.ticks.every(({ id }) => ticks.has(key(one, id))));
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
    setSaid(refused.length > 0 ? refused.join(" ") : tn("{count} draft has the change; nothing is saved yet.", "{count} drafts have the change; nothing is saved yet.", chosen.length));
    setBusy(false);
  };
  return (
    <section className="copilot-card copilot-workflows" aria-label={t("The same change in several workflows")}>
      <h4>{tn("{count} workflow would change", "{count} workflows would change", workflows.length)}</h4>
      {proposals.map((one) => (
        <details key={one.id} data-status={one.status}>
          <summary>
            <b>{one.workflow}</b> {one.status === "accepted" ? t("Accepted") : tn("{count} change", "{count} changes", one.sentences.length)}
            {one.ticks.length > 0 && one.status === "open" && ` · ${tn("{count} point to agree to", "{count} points to agree to", one.ticks.length)}`}
          </summary>
          <ul>
            {one.sentences.map((sentence, index) => (
              <li key={index}>{sentence}</li>
            ))}
          </ul>
          {one.status === "open" && one.ticks.length > 0 && (
            <fieldset className="copilot-ticks">
              <legend>{t("Agree to each of these by itself")}</legend>
              {one.ticks.map((tick) => (
                <label key={tick.id}>
                  <input type="checkbox" checked={ticks.has(key(one, tick.id))} onChange={(event) => setTicks(changed(ticks, key(one, tick.id), event.target.checked))} />
                  <span>
                    <b>{agreedWords(tick.kind)}:</b> {tick.words}
                  </span>
                </label>
              ))}
            </fieldset>
          )}
          {one.status === "open" && (
            <p className="copilot-row">
              <button type="button" className="studio-button" disabled={isBusy || !ready.includes(one)} onClick={() => void accept([one])}>
                {t("Accept for {workflow}", { workflow: one.workflow })}
              </button>
              <a href={`/workflow?name=${encodeURIComponent(one.workflow)}&tab=canvas`} target="_top">
                {t("Open it")}
              </a>
            </p>
          )}
        </details>
      ))}
      <p className="copilot-row">
        <button type="button" className="studio-button" data-tone="primary" disabled={isBusy || ready.length === 0} onClick={() => void accept(ready)}>
          {tn("Accept {count} of {all}", "Accept {count} of {all}", ready.length, { all: open.length })}
        </button>
        {ready.length < open.length && <small className="studio-quiet">{t("Workflows with points that you have not agreed to stay as they are.")}</small>}
      </p>
      <p role="status">{said}</p>
    </section>
  );
}

const key = (proposal: Proposal, tick: string): string => `${proposal.id} ${tick}`;

function changed(ticks: ReadonlySet<string>, id: string, isOn: boolean): ReadonlySet<string> {
  const next = new Set(ticks);
  if (isOn) next.add(id);
  else next.delete(id);
  return next;
}
