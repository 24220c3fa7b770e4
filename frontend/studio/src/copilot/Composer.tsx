// Where a question is typed, and what it is about.
import { useEffect, useId, useRef } from "react";

import { t, tn } from "../language";
import { Icon } from "../ui/icons";
import { commandsFor, commandsOfRun } from "./commands";
import type { Copilot } from "./copilot";

const MOST_NAMED = 3;

interface Props {
  copilot: Copilot;
  focusNumber: number;
  onEdit?: (() => void) | undefined;
}

export function Composer({ copilot, focusNumber, onEdit }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const about = useId();
  useEffect(() => {
    if (focusNumber > 0) field.current?.focus();
  }, [focusNumber]);
  return (
    <form
      className="copilot-composer"
      onSubmit={(event) => {
        event.preventDefault();
        void copilot.ask();
      }}
    >
      <Commands
        copilot={copilot}
        onBegin={(text) => {
          copilot.type(text);
          field.current?.focus();
        }}
      />
      <About copilot={copilot} id={about} onEdit={onEdit} />
      <textarea
        ref={field}
        aria-label={t("Your question, or what to change")}
        aria-describedby={about}
        placeholder={copilot.asksModel ? t("Ask, or say what to change …") : t("A command, or words to look up …")}
        rows={2}
        maxLength={4000}
        value={copilot.text}
        onChange={(event) => copilot.type(event.target.value)}
        onKeyDown={(event) => {
          // While a word is composed, as in Japanese, Enter accepts that word.
          if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          void copilot.ask();
        }}
      />
      <p className="copilot-row">
        <small className="studio-quiet">{t("Enter sends, Shift+Enter is a new line")}</small>
        <span className="studio-space" />
        {copilot.isWorking && copilot.setup ? (
          <button type="button" className="studio-button" onClick={() => void copilot.stop()}>
            {t("Stop")}
          </button>
        ) : (
          <button type="submit" className="studio-button" data-tone="primary" disabled={!copilot.text.trim() || copilot.isWorking}>
            {t("Ask")}
          </button>
        )}
      </p>
    </form>
  );
}

// Commands as buttons: on the page of a run those about it, elsewhere all, unless a model understands whole sentences.
function Commands({ copilot, onBegin }: { copilot: Copilot; onBegin: (text: string) => void }) {
  const run = copilot.host.run?.();
  const isAboutRun = run !== undefined && copilot.runId === run.id;
  if (!copilot.isLoaded || (copilot.asksModel && !isAboutRun)) return null;
  const commands = isAboutRun ? commandsOfRun(run) : commandsFor(copilot.host.subjects()[0] ?? copilot.host.steps()[0]);
  return (
    <p className="copilot-row copilot-commands" role="group" aria-label={isAboutRun ? t("Ask about this run") : t("Commands")}>
      {commands.map(({ text, isWhole }) => (
        <button key={text} type="button" className="studio-button" disabled={copilot.isWorking} onClick={() => (isWhole ? void copilot.ask(text) : onBegin(text))}>
          {isWhole ? text : `${text.trimEnd()} …`}
        </button>
      ))}
    </p>
  );
}

function About({ copilot, id, onEdit }: { copilot: Copilot; id: string; onEdit?: (() => void) | undefined }) {
  const subjects = copilot.host.subjects();
  const { run_id } = copilot.asking;
  const names = subjects.slice(0, MOST_NAMED).map((one) => one.title);
  if (subjects.length > MOST_NAMED) names.push(t("and {count} more", { count: subjects.length - MOST_NAMED }));
  if (names.length === 0 && !run_id) return <span id={id} hidden />;
  return (
    <div className="copilot-about" id={id}>
      {names.length > 0 && (
        <span className="copilot-chip">
          {t("about: {titles}", { titles: names.join(", ") })}
          <button type="button" className="studio-plain" aria-label={t("Ask about the whole workflow")} onClick={() => copilot.host.select([])}>
            <Icon name="close" size={13} />
          </button>
        </span>
      )}
      {subjects.length === 1 && onEdit && (
        <button type="button" className="studio-plain" onClick={onEdit}>
          {t("Edit step")}
        </button>
      )}
      {run_id && (
        <span className="copilot-chip">
          {t("about the run {run}", { run: run_id })}
          {copilot.runId && (
            <button type="button" className="studio-plain" aria-label={t("Leave the run out")} onClick={() => copilot.forgetRun()}>
              <Icon name="close" size={13} />
            </button>
          )}
        </span>
      )}
      {run_id && copilot.setup?.is_agreed && <Values copilot={copilot} />}
    </div>
  );
}

// Of a run, only types and sizes are sent, unless the values of a step are ticked.
function Values({ copilot }: { copilot: Copilot }) {
  const { values } = copilot;
  return (
    <details className="copilot-values">
      <summary>{values.size === 0 ? t("Values of the run: none are sent") : tn("Values of {count} step are sent", "Values of {count} steps are sent", values.size)}</summary>
      {copilot.host.steps().map((one) => (
        <label key={one.path}>
          <input type="checkbox" checked={values.has(one.path)} onChange={(event) => copilot.allow(one.path, event.target.checked)} /> {one.title}
        </label>
      ))}
    </details>
  );
}
