// A proposal: what it changes, what that would do outside, what has to be agreed to, and the buttons.
import { useEffect, useId, useRef } from "react";

import { said, t, tn } from "../language";
import { acceptance, isOpen, left, ticksOf, together, type Choice } from "./choice";
import type { Copilot } from "./copilot";
import { signOf } from "./ghosts";
import type { DemoRun, Proposal, StepChange } from "./shapes";
import {
  agreedWords, kindWords, madeAt, madeWith, newsOf, number, statusWords, untouchedWords, usageWords,
} from "./words";

export function ProposalCard({ copilot, proposal }: { copilot: Copilot; proposal: Proposal }) {
  const card = useRef<HTMLElement>(null);
  const title = useId();
  useWanted(copilot, proposal, card);
  if (proposal.status === "accepted" || proposal.status === "rejected") return <Closed copilot={copilot} proposal={proposal} card={card} />;
  const choice = copilot.choice(proposal);
  const changes = left(proposal);
  return (
    <section ref={card} className="copilot-card" data-status={proposal.status} aria-labelledby={title} tabIndex={-1}>
      <h4 id={title}>
        {statusWords(proposal.status)}: {tn("{count} change", "{count} changes", changes.length)}
      </h4>
      {proposal.from_outside && <p className="copilot-outside">{t("Text from outside was in the conversation, so more points need your tick.")}</p>}
      {proposal.status === "stale" && <p className="copilot-warning">{t("The draft has changed at the same place since. Nothing was accepted.")}</p>}
      <Changes copilot={copilot} proposal={proposal} choice={choice} changes={changes} />
      {!proposal.is_acceptable && <Problems proposal={proposal} />}
      <Outside proposal={proposal} />
      <Ticks copilot={copilot} proposal={proposal} choice={choice} />
      {untouchedWords(proposal) && <p className="studio-quiet">{untouchedWords(proposal)}</p>}
      {madeWith(proposal) && <p className="studio-quiet">{madeWith(proposal)}</p>}
      <Diff text={proposal.diff} />
      {proposal.demo && <Demo demo={proposal.demo} />}
      <Buttons copilot={copilot} proposal={proposal} choice={choice} card={card} />
    </section>
  );
}

// Scroll to the change that is asked for.
function useWanted({ wanted }: Copilot, { id }: Proposal, card: { current: HTMLElement | null }) {
  useEffect(() => {
    if (wanted?.proposal !== id || !card.current) return;
    const change = wanted.step ? card.current.querySelector<HTMLElement>(`[data-change="${CSS.escape(wanted.step)}"]`) : card.current;
    change?.scrollIntoView({ block: wanted.step ? "center" : "start" });
    (change?.querySelector<HTMLElement>("input") ?? change)?.focus({ preventScroll: true });
  }, [wanted?.number]);
}

function Closed({ copilot, proposal, card }: { copilot: Copilot; proposal: Proposal; card: { current: HTMLElement | null } }) {
  const isTakenBack = copilot.isTakenBack(proposal);
  const words = isTakenBack ? t("Taken back") : statusWords(proposal.status);
  return (
    <section ref={(element) => void (card.current = element)} className="copilot-card" data-status={proposal.status} aria-label={words} tabIndex={-1}>
      <details>
        <summary>
          <b>{words}</b> · {tn("{count} change", "{count} changes", proposal.changes.length)} · <span className="studio-quiet">{madeAt(proposal)}</span>
        </summary>
        <Sentences sentences={proposal.sentences} />
        <Diff text={proposal.diff} />
      </details>
      {proposal.accepted.length > 0 && (!isTakenBack || copilot.host.run) && (
        <p className="copilot-row">
          {proposal.status === "accepted" && copilot.canUndo(proposal) && <span className="studio-quiet">{t("It is in your draft. Runs use it after Save.")}</span>}
          {copilot.host.run && (
            <a className="studio-button" href={`/workflow?${new URLSearchParams({ name: proposal.workflow, tab: "canvas" })}`} target="_top">
              {t("Open the canvas")}
            </a>
          )}
          {copilot.canUndo(proposal) && (
            <button type="button" className="studio-button" onClick={() => {
                copilot.undo(proposal);
                focusOn(card);
              }}
            >
              {t("Undo")}
            </button>
          )}
          {!copilot.canUndo(proposal) && !isTakenBack && !copilot.restorations.has(proposal.id) && (
            <button type="button" className="studio-plain" disabled={copilot.busy.has(proposal.id)} onClick={() => void copilot.lookBefore(proposal).then(() => focusOn(card))}>
              {t("Restore the earlier draft …")}
            </button>
          )}
        </p>
      )}
      <Before copilot={copilot} proposal={proposal} card={card} />
    </section>
  );
}

// What restoring the text from before the acceptance would change, also after later edits; it is agreed to here.
function Before({ copilot, proposal, card }: { copilot: Copilot; proposal: Proposal; card: { current: HTMLElement | null } }) {
  const found = copilot.restorations.get(proposal.id);
  const refusal = copilot.refusals.get(proposal.id);
  const leave = () => {
    copilot.leaveBefore(proposal);
    focusOn(card);
  };
  return (
    <>
      {refusal && (
        <p role="alert" className="copilot-warning">
          {refusal}
        </p>
      )}
      {found && (
        <section className="copilot-before" aria-label={t("Restore the earlier draft")}>
          <p>
            <b>{found.diff ? t("Your draft goes back to how it was before you accepted this. Later changes are lost, too:") : t("The draft already is as it was.")}</b>
          </p>
          {found.diff && <Sentences sentences={found.sentences} />}
          {found.diff && <Diff text={found.diff} />}
          <p className="copilot-row">
            {found.diff && (
              <button type="button" className="studio-button" data-tone="primary" disabled={copilot.busy.has(proposal.id)} onClick={() => void copilot.restore(proposal).then(() => focusOn(card))}>
                {t("Restore")}
              </button>
            )}
            <button type="button" className="studio-plain" onClick={leave}>
              {found.diff ? t("Cancel") : t("Close")}
            </button>
          </p>
        </section>
      )}
    </>
  );
}

// What had the focus is gone: the next key is not lost.
const focusOn = (card: { current: HTMLElement | null }): void => void requestAnimationFrame(() => requestAnimationFrame(() => card.current?.focus({ preventScroll: true })));

const Sentences = ({ sentences }: { sentences: string[] }) => (
  <ul>
    {sentences.map((one) => (
      <li key={one}>{said(one)}</li>
    ))}
  </ul>
);

function Changes({ copilot, proposal, choice, changes }: { copilot: Copilot; proposal: Proposal; choice: Choice; changes: StepChange[] }) {
  return (
    <fieldset className="copilot-changes">
      <legend className="studio-spoken">{t("Changes to accept")}</legend>
      {changes.map((one) => (
        <Change key={one.step} copilot={copilot} proposal={proposal} isChosen={choice.steps.has(one.step)} change={one} isOnly={changes.length === 1} />
      ))}
      {proposal.accepted.length > 0 && <p className="studio-quiet">{t("Accepted already: {steps}", { steps: proposal.accepted.map((one) => one || t("the workflow")).join(", ") })}</p>}
    </fieldset>
  );
}

function Change({ copilot, proposal, change, isChosen, isOnly }: { copilot: Copilot; proposal: Proposal; change: StepChange; isChosen: boolean; isOnly: boolean }) {
  const others = together(proposal, change.step).filter((one) => one !== change.step);
  const isShown = change.step !== "" && change.kind !== "added" && copilot.host.isDrawing;
  return (
    <div className="copilot-change" data-change={change.step} data-kind-of={change.kind}>
      <label>
        {(!isOnly || proposal.status === "partly_accepted") && (
          <input type="checkbox" checked={isChosen} disabled={!isOpen(proposal)} onChange={(event) => copilot.chooseStep(proposal, change.step, event.target.checked)} />
        )}
        <span className="copilot-sign" aria-hidden="true">
          {signOf(change)}
        </span>
        <span>
          <b>{change.step === "" ? t("The workflow") : change.title}</b> <small className="studio-quiet">{change.step === "" ? "" : kindWords(change.kind)}</small>
        </span>
      </label>
      {isShown && (
        <button type="button" className="studio-plain copilot-show" aria-label={t("Show {title} on the canvas", { title: change.title })} onClick={() => copilot.host.show(change.step)}>
          {t("Show")}
        </button>
      )}
      <Sentences sentences={change.sentences} />
      {others.length > 0 && <small className="studio-quiet">{t("Together with: {steps}", { steps: others.map((one) => one || t("the workflow")).join(", ") })}</small>}
    </div>
  );
}

function Problems({ proposal }: { proposal: Proposal }) {
  return (
    <div className="copilot-problems" role="group" aria-label={t("Problems")}>
      <p>
        <b>{t("It cannot be accepted as a whole: the workflow would not compile.")}</b>
      </p>
      <ul>
        {proposal.problems
          .filter((one) => one.severity === "error")
          .map((one, index) => (
            <li key={index}>
              {one.step && <code>{[one.step, one.field].filter(Boolean).join(".")}</code>} {said(one.message)} <span className="studio-quiet">{said(one.remedy)}</span>
            </li>
          ))}
      </ul>
    </div>
  );
}

function Outside({ proposal }: { proposal: Proposal }) {
  const news = newsOf(proposal.news);
  if (proposal.writes_again.length > 0) news.push([t("Written again"), proposal.writes_again.map((one) => one.words)]);
  if (news.length === 0) return <p className="studio-quiet">{t("Nothing new happens outside.")}</p>;
  return (
    <dl className="copilot-news">
      {news.map(([title, words]) => (
        <div key={title}>
          <dt>{title}</dt>
          {words.map((one) => (
            <dd key={one}>{said(one)}</dd>
          ))}
        </div>
      ))}
    </dl>
  );
}

function Ticks({ copilot, proposal, choice }: { copilot: Copilot; proposal: Proposal; choice: Choice }) {
  const ticks = ticksOf(proposal, choice);
  if (ticks.length === 0) return null;
  return (
    <fieldset className="copilot-ticks">
      <legend>{t("Agree to each of these by itself")}</legend>
      <p className="studio-quiet">{t("What you tick becomes part of your draft. Runs may do it once you save.")}</p>
      {ticks.map((one) => (
        <label key={one.id}>
          <input type="checkbox" data-tick={one.id} checked={choice.ticks.has(one.id)} disabled={!isOpen(proposal)} onChange={(event) => copilot.tick(proposal, one.id, event.target.checked)} />
          <span>
            <b>{agreedWords(one.kind)}:</b> {said(one.words)}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Diff({ text }: { text: string }) {
  return (
    <details>
      <summary>{t("Difference of the JSON")}</summary>
      <pre className="studio-difference" tabIndex={0} aria-label={t("The lines that differ")}>
        {text.split("\n").map((line, index) => (
          <span key={index} data-sign={/^(\+\+\+|---)/.test(line) ? undefined : line[0]}>
            {line}
            {"\n"}
          </span>
        ))}
      </pre>
    </details>
  );
}

function Demo({ demo }: { demo: DemoRun }) {
  const writes = Object.entries(demo.writes);
  const asks = Object.entries(demo.asks);
  const usage = usageWords(demo.input_tokens, demo.output_tokens, demo.cost_usd);
  return (
    <section className="copilot-demo" aria-label={t("In the demo")}>
      <p>
        <b>{asks.length > 0 ? t("In the demo: it asks a person.") : t("In the demo: {status}.", { status: demo.status })}</b> {demo.run_id && <a href={`/run?id=${encodeURIComponent(demo.run_id)}`}>{t("Open the run")}</a>}
      </p>
      <ul>
        {writes.length === 0 && <li>{t("It wrote nothing.")}</li>}
        {writes.map(([type, count]) => (
          <li key={type}>
            {tn("{count} write", "{count} writes", count)}: <code>{type}</code>
          </li>
        ))}
        {asks.map(([type, count]) => (
          <li key={`asks ${type}`}>
            {tn("It asks {count} time, and nobody answers in a try", "It asks {count} times, and nobody answers in a try", count)}: <code>{type}</code>
          </li>
        ))}
        {demo.destinations.length > 0 && <li>{t("Where: {places}", { places: demo.destinations.join(", ") })}</li>}
        {demo.second_run && <li>{demo.second_run.writes === 0 ? t("A second run wrote nothing again.") : tn("A second run made {count} write again.", "A second run made {count} writes again.", demo.second_run.writes)}</li>}
        {usage && <li>{t("Models: {usage}", { usage })}</li>}
        {demo.problems.map((one) => (
          <li key={one} data-severity="error">
            {said(one)}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Buttons({ copilot, proposal, choice, card }: { copilot: Copilot; proposal: Proposal; choice: Choice; card: { current: HTMLElement | null } }) {
  const { why, missing, steps } = acceptance(proposal, choice);
  const busy = copilot.busy.get(proposal.id);
  const refusal = copilot.refusals.get(proposal.id);
  const words = useId();
  // The first point that is missing gets the focus, so that nobody has to look for it.
  const accept = async (): Promise<void> => {
    if (await copilot.accept(proposal)) return focusOn(card);
    const first = missing[0]?.id;
    const open = () => card.current?.querySelector<HTMLElement>(first ? `[data-tick="${CSS.escape(first)}"]` : "[data-tick]:not(:checked)")?.focus();
    requestAnimationFrame(() => requestAnimationFrame(open));
  };
  // Its result stands above the buttons, maybe out of view.
  const tryIt = async (): Promise<void> => {
    if (!(await copilot.tryInDemo(proposal))) return;
    const result = () => card.current?.querySelector(".copilot-demo")?.scrollIntoView({ block: "center" });
    requestAnimationFrame(() => requestAnimationFrame(result));
  };
  const [chosen, all] = [choice.steps.size, left(proposal).length];
  const label = steps === null || chosen === all ? t("Accept all") : tn("Accept {count} change", "Accept {count} changes", chosen);
  return (
    <footer className="copilot-buttons">
      {refusal && (
        <p id={words} role="alert" className="copilot-warning">
          {refusal}
        </p>
      )}
      {proposal.status === "stale" ? (
        <button type="button" className="studio-button" data-tone="primary" disabled={busy !== undefined || copilot.isWorking} onClick={() => void copilot.again(proposal)}>
          {t("Make it again")}
        </button>
      ) : (
        <button type="button" className="studio-button" data-tone="primary" aria-describedby={refusal ? words : undefined} disabled={busy !== undefined || why === "nothing" || why === "problems"} onClick={() => void accept()}>
          {busy === "accept" ? t("Accepting …") : label}
        </button>
      )}
      <button type="button" className="studio-button" disabled={busy !== undefined || !proposal.is_acceptable} onClick={() => void tryIt()}>
        {busy === "demo" ? t("Running in the demo …") : t("Try in the demo")}
      </button>
      {isOpen(proposal) && (
        <button type="button" className="studio-plain" disabled={busy !== undefined} onClick={() => void copilot.reject(proposal).then((isDone) => isDone && focusOn(card))}>
          {t("Reject")}
        </button>
      )}
      {missing.length > 0 && !refusal && <small className="studio-quiet">{t("{count} to tick", { count: number(missing.length) })}</small>}
    </footer>
  );
}
