// The steps of the workflow that a step runs, for reading only.
import { useState } from "react";

import { api, type CanvasStep } from "../api";
import { t } from "../language";
import { placeOf, useForm } from "./form";
import { valueOf } from "./places";

type State = { steps?: CanvasStep[]; said: string };

export function Peek() {
  const form = useForm();
  const [state, setState] = useState<State & { name: string }>({ name: "", said: "" });
  const named: unknown = valueOf(form.definition, placeOf(form, ["with", "workflow"]));
  const name = typeof named === "string" && !named.includes("{{") ? (named.split("@")[0] ?? "") : "";
  if (!name) return null;
  const load = () => {
    if (state.name === name) return;
    setState({ name, said: t("Loading …") });
    api.canvas(name).then(
      ({ steps }) => setState({ name, steps, said: steps.length === 0 ? t("It has no steps yet.") : "" }),
      (error: Error) => setState({ name, said: error.message }),
    );
  };
  const { steps = [], said } = state.name === name ? state : { said: "" };
  return (
    <details key={name} onToggle={(event) => event.currentTarget.open && load()}>
      <summary>{t("Steps of {title}", { title: name })}</summary>
      <p>
        <a href={`/workflow?name=${encodeURIComponent(name)}&tab=canvas`} target="_top">
          {t("Open its canvas")}
        </a>
      </p>
      {steps.length > 0 && (
        <ul className="panel-peek" aria-label={t("Steps of {title}", { title: name })}>
          {steps.map(({ path, title, uses, condition }) => (
            <li key={path} style={{ paddingInlineStart: `${path.split(".").length - 1}rem` }}>
              {title} <code>{uses || t("group")}</code>
              {condition && <small className="panel-quiet"> {t("if")} {condition}</small>}
            </li>
          ))}
        </ul>
      )}
      {said && <p className="panel-quiet" role="status">{said}</p>}
    </details>
  );
}
