// The outputs of a step in the run that is shown, or else in the last one, and a test run of the step alone.
import { useEffect, useState } from "react";

import type { CanvasStep } from "../api";
import type { Flow } from "../flow/flow";
import { stateWords } from "../flow/marks";
import { t } from "../language";
import { insideSentence } from "../ui/looks";
import { lastRun, runOf, tried, type Run } from "./account";
import { stepIn } from "../document";
import { useForm } from "./form";
import { MadeUp } from "./MadeUp";
import { Outputs, recorded } from "./Outputs";

const AGAIN_MS = 500;

type State = { run?: Run; attempt?: Run; said: string; isFailure?: boolean };

export function Result({ step, flow }: { step: CanvasStep; flow?: Flow }) {
  const { workflow, definition, edits, readOnly } = useForm();
  const [state, setState] = useState<State>({ said: "" });
  const { run, attempt, said } = state;
  const [first] = run ? recorded(run, step) : [];

  const during = async (word: string, work: () => Promise<State>) => {
    setState({ ...state, said: word, isFailure: false });
    try {
      setState(await work());
    } catch (error) {
      setState({ ...state, said: error instanceof Error ? error.message : String(error), isFailure: true });
    }
  };
  const load = () =>
    during(t("Loading …"), async () => {
      const found = flow?.runId ? await runOf(flow.runId) : await lastRun(workflow);
      return found ? { run: found, said: "" } : { said: t("This workflow has not run yet.") };
    });
  const attemptNow = () =>
    during(t("Running this step …"), async () => {
      if (!run || !first) return state;
      await edits.flush();
      return { run, attempt: await tried(workflow, first.path, stepIn(definition, step.id), run), said: "" };
    });

  // The values of a run that is shown are read again whenever its step has changed.
  const now = flow?.run?.steps[step.path];
  const version = now && `${now.status} ${now.attempts} ${now.ended_at}`;
  useEffect(() => {
    if (!flow?.runId) return undefined;
    const timer = setTimeout(() => void load(), run ? AGAIN_MS : 0);
    return () => clearTimeout(timer);
  }, [flow?.runId, version, step.path]);

  return (
    <>
      <details open={flow !== undefined || undefined} onToggle={(event) => (event.currentTarget.open && !run && !flow ? void load() : undefined)}>
        <summary>{flow ? t("Result in this run") : t("Result of the last run")}</summary>
        {flow?.showing === "past" && flow.at < flow.stops.length - 1 && <Moment flow={flow} path={step.path} />}
        {run && <Outputs run={run} step={step} />}
        {first && step.kind !== "group" && !readOnly && step.effect !== "writes" && (
          <p>
            <button type="button" className="panel-add" onClick={() => void attemptNow()}>
              {t("Try this step")}
            </button>{" "}
            <span className="panel-quiet">{t("It runs alone, with the outputs of the other steps.")}</span>
          </p>
        )}
        {attempt && <Outputs run={attempt} step={step} only={first?.path} />}
        <p role="status" className={state.isFailure ? "panel-problem" : "panel-quiet"}>
          {said}
        </p>
      </details>
      {step.kind !== "group" && !readOnly && !flow && <MadeUp key={step.id} step={step} />}
    </>
  );
}

function Moment({ flow, path }: { flow: Flow; path: string }) {
  const then = flow.state?.steps[path];
  return <p>{t("At the time that is shown: {state}. In the end:", { state: then ? insideSentence(stateWords(then)) : t("not begun") })}</p>;
}
