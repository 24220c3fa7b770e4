// What a step gave in a run, or would have written.
import type { CanvasStep } from "../api";
import { said, t } from "../language";
import { insideSentence, lookOf } from "../ui/looks";
import { itemOf, type Run } from "./account";

const MOST_ITEMS = 3;
const LONGEST = 4000;

export const recorded = (run: Run, step: CanvasStep) => run.steps.filter(({ path }) => path.replaceAll(/\[\d+\]/g, "") === step.path);

export function Outputs({ run, step, only }: { run: Run; step: CanvasStep; only?: string | undefined }) {
  const found = recorded(run, step).filter(({ path }) => only === undefined || path === only);
  return (
    <>
      <p className="panel-quiet">
        <a href={`/run?id=${encodeURIComponent(run.run_id)}`} target="_top">
          {t("Open the run")}
        </a>
        {found.length === 0 && ` – ${t("this step did not run.")}`}
        {found.length > MOST_ITEMS && ` – ${t("the first {shown} of {count} items:", { shown: MOST_ITEMS, count: found.length })}`}
      </p>
      {found.slice(0, MOST_ITEMS).map((one) => (
        <div key={one.path}>
          <p>
            <b>{itemOf(run, one.path) || one.title || one.path}</b> {insideSentence(lookOf(one.status).word)}
            {one.error && `: ${said(one.error.message).split("\n")[0]}`}
          </p>
          {one.error?.message.includes("\n") && (
            <pre tabIndex={0} aria-label={t("What {path} said", { path: one.path })}>
              {shortened(said(one.error.message).slice(said(one.error.message).indexOf("\n") + 1))}
            </pre>
          )}
          {one.child_run_id && (
            <p>
              <a href={`/run?id=${encodeURIComponent(one.child_run_id)}`} target="_top">
                {t("The run that it called")}
              </a>
            </p>
          )}
          {one.planned?.write && <p>{t("Nothing was written. It would write this to {account}:", { account: one.planned.account ?? "" })}</p>}
          {one.planned?.note && <p>{said(one.planned.note)}</p>}
          {one.planned?.write ? (
            <pre tabIndex={0} aria-label={t("What {path} would write", { path: one.path })}>
              {shortened(JSON.stringify(one.arguments, null, 2))}
            </pre>
          ) : one.output !== undefined && one.output !== null && (
            <Output run={run} path={one.path} output={one.output} />
          )}
        </div>
      ))}
    </>
  );
}

// What code has printed is text, in which line ends are line ends.
function Output({ run, path, output }: { run: Run; path: string; output: unknown }) {
  const { stdout, stderr, ...rest } = output as Record<string, unknown>;
  const isOfCode = typeof stdout === "string" && typeof stderr === "string";
  const files = isOfCode && Array.isArray(rest.files) ? (rest.files as { $file: string; name: string }[]) : [];
  return (
    <>
      <pre tabIndex={0} aria-label={t("Output of {path}", { path })}>
        {shortened(JSON.stringify(isOfCode ? rest.output : output, null, 2) ?? "null")}
      </pre>
      {isOfCode && stdout && <Printed title={t("Printed")} text={stdout} />}
      {isOfCode && stderr && <Printed title={t("Printed to stderr")} text={stderr} />}
      {files.map((file) => (
        <p key={file.$file}>
          <a href={`/api/runs/${encodeURIComponent(run.run_id)}/files/${encodeURIComponent(file.$file.split("/").pop() ?? "")}`} target="_top">
            {file.name}
          </a>
        </p>
      ))}
    </>
  );
}

function Printed({ title, text }: { title: string; text: string }) {
  return (
    <>
      <p className="panel-quiet">{title}</p>
      <pre tabIndex={0} aria-label={title}>
        {shortened(text)}
      </pre>
    </>
  );
}

const shortened = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text);
