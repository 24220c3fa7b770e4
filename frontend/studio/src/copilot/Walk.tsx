// A run step by step: what happened at each step, in a sentence that the server has computed.
import { useEffect, useId, useState } from "react";

import { said, t, tn } from "../language";
import type { Copilot } from "./copilot";
import { routes } from "./requests";
import { pagesOf, stoppedAt } from "./walking";
import type { Story } from "./shapes";

type Loaded = { story: Story } | { failure: string } | null;

export function Walk({ copilot, run }: { copilot: Copilot; run: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="copilot-walk" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("Go through the run step by step")}</summary>
      {isOpen && <Steps key={run} copilot={copilot} run={run} />}
    </details>
  );
}

function Steps({ copilot, run }: { copilot: Copilot; run: string }) {
  const [loaded, setLoaded] = useState<Loaded>(null);
  const [at, setAt] = useState(0);
  const words = useId();
  useEffect(() => {
    routes.story(run).then(
      (story) => {
        setLoaded({ story });
        setAt(stoppedAt(story));
      },
      (error: unknown) => setLoaded({ failure: error instanceof Error ? error.message : String(error) }),
    );
  }, [run]);
  if (loaded === null) return <p className="studio-quiet">{t("Loading …")}</p>;
  if ("failure" in loaded) return <p role="alert">{loaded.failure}</p>;
  const { stops, more } = loaded.story;
  const stop = stops[at];
  if (!stop) return <p className="studio-quiet">{t("No step has begun.")}</p>;
  const go = (next: number) => {
    setAt(next);
    if (!copilot.isSheet) copilot.host.select([stops[next]!.id]);
  };
  const pages = pagesOf(loaded.story, stop);
  return (
    <>
      <p className="copilot-row">
        <button type="button" className="studio-button" disabled={at === 0} onClick={() => go(at - 1)}>
          {t("Previous")}
        </button>
        <input type="range" min={0} max={stops.length - 1} value={at} aria-label={t("Step of the run")} aria-valuetext={t("{number} of {count}: {title}", { number: at + 1, count: stops.length, title: stop.title })} onChange={(event) => go(Number(event.target.value))} />
        <button type="button" className="studio-button" disabled={at === stops.length - 1} onClick={() => go(at + 1)}>
          {t("Next")}
        </button>
      </p>
      <p id={words} role="status">
        <b>{t("{number} of {count}: {title}", { number: at + 1, count: stops.length, title: stop.title })}</b> <code>{stop.path}</code>
        <br />
        {said(stop.words)}
      </p>
      <Line stops={stops.map((one) => one.title)} at={at} />
      <p className="copilot-row">
        {stop.can_run_alone && (
          <a className="studio-button" href={pages.only} target="_top">
            {t("Run only this step")}
          </a>
        )}
        {stop.can_be_pinned && (
          <a className="studio-button" href={pages.pin} target="_top">
            {t("Pin its output")}
          </a>
        )}
      </p>
      {more > 0 && <p className="studio-quiet">{tn("{count} later step is left out.", "{count} later steps are left out.", more)}</p>}
    </>
  );
}

// The step with those just before and after it: boxes and arrows.
function Line({ stops, at }: { stops: string[]; at: number }) {
  const first = Math.max(0, at - 1);
  return (
    <ol className="copilot-line" aria-label={t("The steps around it")}>
      {stops.slice(first, at + 2).map((title, index) => (
        <li key={first + index} aria-current={first + index === at ? "step" : undefined}>
          {title}
        </li>
      ))}
    </ol>
  );
}
