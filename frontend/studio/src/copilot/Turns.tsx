// The conversation: what was asked, and what was answered, as it arrives.
import { useState } from "react";

import { said, t, tn } from "../language";
import { DEMO_QUESTIONS } from "./commands";
import type { Copilot } from "./copilot";
import { DiagramView } from "./DiagramView";
import { isOwn, Prose } from "./Prose";
import { ProposalCard } from "./ProposalCard";
import type { Button, Call, Part, Passage, Turn } from "./shapes";
import { turnWords } from "./words";

export function TurnView({ copilot, turn, isLast }: { copilot: Copilot; turn: Turn; isLast: boolean }) {
  const isWorking = turn.status === "working";
  return (
    <article className="copilot-turn" data-status={turn.status} data-last={isLast || undefined} aria-busy={isWorking}>
      <h4 className="copilot-asked">
        <span className="studio-spoken">{t("You asked:")} </span>
        {DEMO_QUESTIONS.includes(turn.asked) ? t(turn.asked) : turn.asked}
      </h4>
      {turn.calls.length > 0 && <Calls calls={turn.calls} isOpen={isWorking} />}
      {turn.parts.map((one, index) => (
        <PartView key={index} copilot={copilot} part={one} isLast={isLast && !isWorking} />
      ))}
      {isWorking && <p className="copilot-working">{t("Working on it …")}</p>}
      {turn.problem && (
        <p className="copilot-warning" data-status={turn.status}>
          {said(turn.problem)}
        </p>
      )}
      {turn.status === "stopped" && !turn.problem && <p className="studio-quiet">{t("Stopped.")}</p>}
      {isLast && (turn.status === "failed" || turn.status === "limited" || turn.status === "stopped") && (
        <button type="button" className="studio-button" onClick={() => void copilot.ask(turn.asked)}>
          {t("Try again")}
        </button>
      )}
      {!isWorking && !isNoted(turn) && <small className="studio-quiet copilot-source">{turnWords(turn)}</small>}
    </article>
  );
}

// Whether a part says already that no model was asked.
const isNoted = ({ source, parts }: Turn): boolean => source === "rules" && parts.some((one) => one.kind === "note");

function Calls({ calls, isOpen }: { calls: Call[]; isOpen: boolean }) {
  return (
    <details className="copilot-calls" open={isOpen || undefined}>
      <summary>{tn("{count} look", "{count} looks", calls.length)}</summary>
      <ul>
        {calls.map((one, index) => (
          <li key={index}>
            {said(one.words)} {!one.ok && <span className="copilot-failed">{t("(failed)")}</span>}
          </li>
        ))}
      </ul>
    </details>
  );
}

function PartView({ copilot, part, isLast }: { copilot: Copilot; part: Part; isLast: boolean }) {
  switch (part.kind) {
    case "text":
      return <Prose text={part.text} />;
    case "note":
      return <p className="studio-quiet">{said(part.text)}</p>;
    case "code":
      return <Code copilot={copilot} part={part} />;
    case "question":
      return (
        <fieldset className="copilot-question">
          <legend>{part.text}</legend>
          {part.choices.map((one) => (
            <button key={one} type="button" className="studio-button" disabled={!isLast || copilot.isWorking} onClick={() => void copilot.ask(one)}>
              {one}
            </button>
          ))}
        </fieldset>
      );
    case "proposal": {
      const proposal = copilot.proposals.get(part.proposal_id);
      return proposal ? <ProposalCard copilot={copilot} proposal={proposal} /> : <p className="studio-quiet">{t("This proposal is not kept any more.")}</p>;
    }
    case "diagram":
      return part.diagram ? <DiagramView copilot={copilot} diagram={part.diagram} /> : null;
    case "buttons":
      return (
        <>
          {part.text && <Prose text={part.text} />}
          <p className="copilot-row">
            {part.buttons.map((one) => (
              <ButtonView key={one.label} copilot={copilot} button={one} />
            ))}
          </p>
        </>
      );
    case "passages":
      return <Passages passages={part.passages} />;
    default:
      return null; // of a newer server
  }
}

function ButtonView({ copilot, button }: { copilot: Copilot; button: Button }) {
  if (button.kind === "link") {
    return isOwn(button.href) ? (
      <a className="studio-button" href={button.href}>
        {said(button.label)}
      </a>
    ) : null;
  }
  const press = () => void (button.kind === "ops" ? copilot.propose(button.ops, button.label) : copilot.ask(button.text || button.label));
  return (
    <button type="button" className="studio-button" disabled={copilot.isWorking} onClick={press}>
      {said(button.label)}
    </button>
  );
}

// Code that a field can take is inserted as a proposal, so that the same points are checked.
function Code({ copilot, part: { text, step, field } }: { copilot: Copilot; part: Part }) {
  const [isCopied, setCopied] = useState(false);
  const insert = () => void copilot.propose([{ op: "set", step: step || undefined, field, value: text }], t("Insert into {field} of {step}", { field, step: step || t("the workflow") }));
  return (
    <div className="copilot-code">
      <pre tabIndex={0} aria-label={t("Code")}>
        {text}
      </pre>
      <p className="copilot-row">
        {field && (
          <button type="button" className="studio-button" onClick={insert}>
            {t("Insert into {field} of {step}", { field, step: step || t("the workflow") })}
          </button>
        )}
        {navigator.clipboard && (
          <button type="button" className="studio-plain" onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}>
            {isCopied ? t("Copied") : t("Copy")}
          </button>
        )}
      </p>
    </div>
  );
}

function Passages({ passages }: { passages: Passage[] }) {
  return (
    <ul className="copilot-passages">
      {passages.map((one) => (
        <li key={`${one.page}#${one.anchor}`}>
          <a href={`/help?page=${encodeURIComponent(one.page)}${one.anchor && `#${one.anchor}`}`}>{one.title === one.page_title ? one.title : `${one.page_title}: ${one.title}`}</a>
          <p>{one.excerpt}</p>
        </li>
      ))}
    </ul>
  );
}
