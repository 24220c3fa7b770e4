// The bar of the run that is shown: which one, live, at a time of its past, or as a prediction, and what to compare with.
import type { RunRow } from "../api";
import { locale, N_, t } from "../language";
import { useStudio } from "../ui/context";
import { Icon } from "../ui/icons";
import { insideSentence, lookOf } from "../ui/looks";
import type { Flow, Showing } from "./flow";
import { clock } from "./past";
import { planWords } from "./plan";

export function FlowBar() {
  const { flow } = useStudio();
  if (!flow.isOn) return null;
  return (
    <section className="studio-flow" aria-label={t("The run on the canvas")}>
      <div className="studio-flow-row">
        <Ways flow={flow} />
        <Choice label={t("Which run")} value={flow.runId ?? ""} runs={flow.runs} none={flow.runs.length === 0 && !flow.plan ? t("No runs yet") : ""} unlisted={flow.plan ? t("A try") : ""} onFocus={() => void flow.list()} onChange={(id) => flow.choose(id)} />
        {flow.showing !== "predicted" && flow.runs.length > 1 && (
          <Choice label={t("Compare with")} value={flow.otherId ?? ""} runs={flow.runs.filter((one) => one.run_id !== flow.runId)} none={t("No other run")} onChange={(id) => flow.compare(id)} />
        )}
        {flow.runId && (
          <a href={`/run?id=${encodeURIComponent(flow.runId)}`} target="_top">
            {t("Open the run")}
          </a>
        )}
        <span className="studio-flow-status" role="status">
          {flow.failure || (flow.showing === "live" && flow.run ? lookOf(flow.run.status).word : "")}
        </span>
      </div>
      {flow.plan && flow.showing !== "predicted" && (
        <p className="studio-flow-words" role="status">
          {planWords(flow.plan)}
        </p>
      )}
      {flow.showing === "past" && <Time flow={flow} />}
      {flow.showing === "predicted" && (
        <p className="studio-flow-words" role="status">
          {predictionWords(flow)}
        </p>
      )}
    </section>
  );
}

const WAYS: [Exclude<Showing, "off">, string][] = [
  ["live", N_("Live")],
  ["past", N_("Past")],
  ["predicted", N_("Predicted")],
];

function Ways({ flow }: { flow: Flow }) {
  const isPossible = { live: flow.run !== null && !flow.isOver, past: flow.hasPast, predicted: true };
  return (
    <span className="studio-looks" role="group" aria-label={t("What is shown")}>
      {WAYS.map(([way, label]) => (
        <button key={way} type="button" aria-pressed={flow.showing === way} disabled={!isPossible[way] && flow.showing !== way} onClick={() => flow.show(way)}>
          {t(label)}
        </button>
      ))}
    </span>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  runs: RunRow[];
  // What stands for no run; "" if one must be chosen.
  none: string;
  // What a run is called that is not in the list; its id by default.
  unlisted?: string;
  onFocus?(): void;
  onChange(id: string): void;
}

function Choice({ label, value, runs, none, unlisted, onFocus, onChange }: ChoiceProps) {
  const isListed = value === "" || runs.some((one) => one.run_id === value);
  return (
    <label className="studio-flow-choice">
      {label}
      <select value={value} onFocus={onFocus} onChange={(event) => onChange(event.target.value)}>
        {none && <option value="">{none}</option>}
        {!isListed && <option value={value}>{unlisted || value}</option>}
        {runs.map((one) => (
          <option key={one.run_id} value={one.run_id}>
            {runWords(one)}
          </option>
        ))}
      </select>
    </label>
  );
}

// Return a run in a list: `22 Nov 12:03:04, succeeded, 1a2b3c4d`.
function runWords({ run_id, status, started_at, queued_at }: RunRow): string {
  const time = Date.parse(started_at ?? queued_at);
  const day = new Date(time).toLocaleDateString(locale(), { day: "numeric", month: "short" });
  return `${day} ${clock(time)}, ${insideSentence(lookOf(status).word)}, ${run_id.split("-").at(-1)}`;
}

function Time({ flow }: { flow: Flow }) {
  const { stops, at, words, isPlaying } = flow;
  if (stops.length === 0) return <p className="studio-flow-words">{t("Loading …")}</p>;
  return (
    <div className="studio-flow-row">
      <button type="button" className="studio-button" onClick={() => flow.play()}>
        <Icon name={isPlaying ? "pause" : "start"} size={16} /> {isPlaying ? t("Pause") : t("Play")}
      </button>
      <input
        type="range"
        aria-label={t("Time in the run")}
        aria-valuetext={words}
        min={0}
        max={stops.length - 1}
        step={1}
        value={at}
        onChange={(event) => flow.seek(Number(event.target.value))}
      />
      <p className="studio-flow-words">
        {words}
        {flow.isJoined && ` ${t("(some of the many changes are shown together)")}`}
      </p>
    </div>
  );
}

function predictionWords(flow: Flow): string {
  if (!flow.prediction) return flow.failure ? "" : t("Predicting …");
  if (flow.prediction.why) return `${t("A prediction, by types only.")} ${flow.prediction.why}`;
  if (!flow.prediction.run_id) return t("A prediction, by types only: no run is chosen.");
  return t("A prediction: what this draft would do with the recorded inputs and outputs of the run. Nothing is called.");
}
