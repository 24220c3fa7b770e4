// The outputs of a step in the run that is shown, or else in the last one, and a test run of the step alone.
import { useEffect, useState } from "react";

import type { CanvasStep } from "../api";
import type { Flow } from "../flow/flow";
import { stateWords } from "../flow/marks";
import { t } from "../language";
import { insideSentence } from "../ui/looks";
import { edited, lastRun, runOf, sampleFor, tried, triedWith, unagreed, type Run } from "./account";
import { faultIn } from "./faults";
import { useForm } from "./form";
import { Agreeing } from "./Agreeing";
import { MadeUp } from "./MadeUp";
import { Outputs, recorded } from "./Outputs";

const AGAIN_MS = 500;

// `only`: the path of what was tried, if it may be one of several items; `hasLooked`: whether a run was looked for; `asks`: what a try needs a person's agreement to.
type State = { run?: Run; attempt?: Run; only?: string | undefined; hasLooked?: boolean; said: string; isFailure?: boolean; asks?: string[] };

export function Result({ step, flow }: { step: CanvasStep; flow?: Flow }) {
  const { workflow, edits, readOnly, noteFault } = useForm();
  const [state, setState] = useState<State>({ said: "" });
  const { run, attempt, said } = state;
  const [first] = run ? recorded(run, step) : [];

  const during = async (word: string, work: () => Promise<State>) => {
    setState({ ...state, said: word, isFailure: false, asks: [] });
    try {
      setState(await work());
    } catch (error) {
      setState({ ...state, said: error instanceof Error ? error.message : String(error), isFailure: true, asks: unagreed(error) });
    }
  };
  const load = () =>
    during(t("Loading …"), async () => {
      const found = flow?.runId ? await runOf(flow.runId) : await lastRun(workflow);
      return found ? { run: found, hasLooked: true, said: "" } : { hasLooked: true, said: t("This workflow has not run yet.") };
    });
  const attemptNow = (confirmed: string[] = []) =>
    during(t("Running this step …"), async () => {
      await edits.flush();
      const { definition, isUnsaved } = await edited(workflow, step.id);
      const ended = (found: Run): Run => (noteFault?.(faultIn(found, step, definition)), found);
      if (run && first && !isUnsaved)
        return { ...state, attempt: ended(await tried(workflow, first.path, run, confirmed)), only: first.path, said: "", isFailure: false, asks: [] };
      const { values, is_recorded: isRecorded } = await sampleFor(workflow, step.id, isUnsaved);
      const said = [
        isUnsaved ? t("It ran as it is here, which is not saved yet.") : "",
        Object.keys(values).length > 0 && !isRecorded ? t("It was given the values below, made from types.") : "",
      ];
      const attempt = ended(await triedWith(workflow, step.id, isUnsaved, values, confirmed));
      return { ...state, attempt, only: undefined, said: said.filter(Boolean).join(" "), isFailure: false, asks: [] };
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
        {state.hasLooked && !(flow && !first) && step.kind !== "group" && !readOnly && step.effect !== "writes" && (
          <p>
            <button type="button" className="panel-add" onClick={() => void attemptNow()}>
              {t("Try this step")}
            </button>{" "}
            <span className="panel-quiet">{first ? t("It runs alone, with the outputs of the other steps.") : t("It runs alone.")}</span>
          </p>
        )}
        {attempt && <Outputs run={attempt} step={step} only={state.only} />}
        <p role="status" className={state.isFailure ? "panel-problem" : "panel-quiet"}>
          {said}
        </p>
        <Agreeing asks={state.asks} onAgree={attemptNow} />
      </details>
      {step.kind !== "group" && !readOnly && !flow && <MadeUp key={step.id} step={step} />}
    </>
  );
}

function Moment({ flow, path }: { flow: Flow; path: string }) {
  const then = flow.state?.steps[path];
  return <p>{t("At the time that is shown: {state}. In the end:", { state: then ? insideSentence(stateWords(then)) : t("not begun") })}</p>;
}
