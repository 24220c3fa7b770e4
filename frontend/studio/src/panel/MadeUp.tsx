// A try of a step with values that the person makes up; the browser keeps them for the next time.
import { useEffect, useRef, useState } from "react";

import type { CanvasStep, Json } from "../api";
import { parseJson } from "../json";
import { t } from "../language";
import { edited, sampleFor, triedWith, unagreed, type Run } from "./account";
import { Agreeing } from "./Agreeing";
import { faultIn } from "./faults";
import { useForm } from "./form";
import { Outputs } from "./Outputs";

type State = { attempt?: Run; said: string; isFailure?: boolean; asks?: string[] };

const LINES = 10;

export function MadeUp({ step }: { step: CanvasStep }) {
  const { workflow, edits, noteFault } = useForm();
  const key = `orchestra-made-up-${workflow}-${step.id}`;
  const [text, setText] = useState(() => localStorage.getItem(key) ?? "");
  const [state, setState] = useState<State>({ said: "" });
  const typed = useRef(0); // how often somebody has changed the text

  const during = async (word: string, work: () => Promise<State>) => {
    setState({ ...state, said: word, isFailure: false, asks: [] });
    try {
      setState(await work());
    } catch (error) {
      setState({ ...state, said: error instanceof Error ? error.message : String(error), isFailure: true, asks: unagreed(error) });
    }
  };
  const type = (value: string) => {
    setText(value);
    if (value.trim()) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  };
  const fill = () =>
    during(t("Loading …"), async () => {
      const before = typed.current;
      await edits.flush();
      const { isUnsaved } = await edited(workflow, step.id);
      const { values, is_recorded: isRecorded } = await sampleFor(workflow, step.id, isUnsaved);
      if (typed.current !== before) return { said: "" }; // what was typed meanwhile stays
      type(JSON.stringify(values, null, 2));
      return { said: isRecorded ? t("Filled in with values of the last run.") : t("Filled in with values made from types.") };
    });
  const attempt = (confirmed: string[] = []) =>
    during(t("Running this step …"), async () => {
      const values = parsed(text);
      await edits.flush();
      const { definition, isUnsaved } = await edited(workflow, step.id);
      const run = await triedWith(workflow, step.id, isUnsaved, values, confirmed);
      noteFault?.(faultIn(run, step, definition));
      return { attempt: run, said: isUnsaved ? t("It ran as it is here, which is not saved yet.") : "" };
    });
  const open = () => {
    if (!text) void fill();
  };

  // Another step has other values.
  useEffect(() => setText(localStorage.getItem(key) ?? ""), [key]);

  return (
    <details onToggle={(event) => (event.currentTarget.open ? open() : undefined)}>
      <summary>{t("Made-up values")}</summary>
      <p className="panel-quiet">{t("What the step reads, as JSON. It runs alone with these values; what it would write is only shown.")}</p>
      <textarea
        className="panel-made-up"
        aria-label={t("Made-up values")}
        rows={LINES}
        spellCheck={false}
        value={text}
        onChange={(event) => {
          typed.current += 1;
          type(event.currentTarget.value);
        }}
      />
      <p>
        <button type="button" className="panel-add" onClick={() => void attempt()}>
          {t("Try with these values")}
        </button>{" "}
        <button type="button" className="panel-add" onClick={() => void fill()}>
          {t("Fill in again")}
        </button>
      </p>
      {state.attempt && <Outputs run={state.attempt} step={step} />}
      <p role="status" className={state.isFailure ? "panel-problem" : "panel-quiet"}>
        {state.said}
      </p>
      <Agreeing asks={state.asks} onAgree={attempt} />
    </details>
  );
}

function parsed(text: string): Json {
  try {
    return parseJson(text) as Json;
  } catch (error) {
    throw new Error(t("This is not JSON: {message}", { message: error instanceof Error ? error.message : String(error) }));
  }
}
