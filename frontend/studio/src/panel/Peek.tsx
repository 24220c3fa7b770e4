// The steps of the workflow that a step runs, for reading only.
import { useState } from "react";

import { api } from "../api";
import { t } from "../language";
import { useExpressionsShown } from "./expressionSwitch";
import { clauseOf } from "./meaning";
import { placeOf, useForm } from "./form";
import { valueOf } from "./places";
import { useLoaded } from "./useLoaded";
import { plainText } from "./values";

export function Peek() {
  const form = useForm();
  const [opened, setOpened] = useState("");
  const name = plainText(valueOf(form.definition, placeOf(form, ["with", "workflow"])));
  const { value, failure } = useLoaded(() => api.canvas(name), name && opened === name ? name : "");
  const isRaw = useExpressionsShown();
  if (!name) return null;
  const steps = value?.steps ?? [];
  const titleOf = (id: string) => steps.find((one) => one.id === id)?.title ?? id;
  const said = failure ?? (value ? (steps.length === 0 ? t("It has no steps yet.") : "") : t("Loading …"));
  return (
    <details key={name} onToggle={(event) => setOpened(event.currentTarget.open ? name : "")}>
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
              {condition && <small className="panel-quiet"> {t("if")} {isRaw ? condition : clauseOf(condition, [], titleOf)}</small>}
            </li>
          ))}
        </ul>
      )}
      {said && <p className="panel-quiet" role="status">{said}</p>}
    </details>
  );
}
