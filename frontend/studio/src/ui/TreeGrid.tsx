// The steps as a list: the same operations for who does not see or point, and on a phone.
import { Fragment } from "react";

import type { Mark, Marks } from "../flow/marks";
import { giveWords } from "../flow/prediction";
import { t, tn } from "../language";
import { around, type Block, type Node } from "../model";
import { useExpressionsShown } from "../panel/expressionSwitch";
import { resultOf } from "../outputs";
import { shown } from "../walk";
import { useStudio, useSurroundings } from "./context";
import { plainOf } from "../Markdown";
import { lookOf, triggersOf } from "./drawn";
import { Icon } from "./icons";
import { insideSentence, saidOf, wordOf } from "./looks";
import { RenameForm } from "./RenameForm";
import { BreakpointDot, GhostMark, MarkBadge, Result, styleOf, triggerLabel } from "./StepCard";
import { StepIcon } from "./StepIcon";

export function TreeGrid({ marks, found }: { marks: Marks; found: ReadonlySet<string> | null }) {
  const studio = useStudio();
  const { isEditable, camera } = useSurroundings();
  const { model } = studio.view;
  const nodes = shown(model, (node) => studio.folded.has(node.key));
  const current = studio.current ?? nodes[0]?.key ?? null;
  camera.current = {
    fit: () => undefined,
    zoom: () => undefined,
    show: (key) => document.querySelector(`[role=row][data-step="${CSS.escape(key)}"]`)?.scrollIntoView({ block: "nearest" }),
  };
  const result = resultOf(studio.view);
  const added = studio.copilot.ghosts?.added ?? [];
  const add = (block: Block) => studio.open({ kind: "picker", gap: { block, after: null, before: null } });
  return (
    <div className="studio-list">
      <section className="studio-triggers" aria-label={t("Triggers")}>
        {triggersOf(studio).map((one) => (
          <button key={one.index} type="button" className="studio-end" data-end="trigger" data-on={one.isOn || undefined} aria-pressed={one.isChosen} aria-label={triggerLabel(one)} onClick={() => studio.openTrigger(one.index)}>
            <Icon name="trigger" size={16} />
            <span className="studio-words">
              <b className="studio-title">{one.title}</b>
              <small className="studio-quiet">{one.text}</small>
              {one.state && <small className="studio-trigger-state">{one.state}</small>}
            </span>
          </button>
        ))}
        {isEditable && (
          <button type="button" className="studio-button" onClick={() => studio.openTrigger("new")}>
            <Icon name="plus" size={16} /> {t("Add a trigger")}
          </button>
        )}
      </section>
      <table role="treegrid" aria-label={t("Steps of {title}", { title: studio.canvas?.title ?? t("the workflow") })} aria-multiselectable="true" aria-readonly={!isEditable}>
        <thead>
          <tr role="row">
            <th role="columnheader" scope="col">{t("Step")}</th>
            <th role="columnheader" scope="col">{t("What it does")}</th>
            <th role="columnheader" scope="col">{t("State")}</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <Fragment key={node.key}>
              {head(node) && (
                <tr role="row" className="studio-list-head" aria-level={levelOf(node)}>
                  <th role="rowheader" scope="rowgroup" colSpan={3} style={{ paddingInlineStart: `${indent(node)}rem` }}>
                    {head(node)}
                  </th>
                </tr>
              )}
              <Row node={node} isCurrent={node.key === current} mark={marks[node.step.path] ?? null} isDim={found !== null && !found.has(node.key)} />
            </Fragment>
          ))}
        </tbody>
      </table>
      {added.length > 0 && (
        <div className="studio-ghosts-row" role="group" aria-label={t("New steps of the proposal")}>
          {added.map((one) => (
            <GhostMark key={one.step} ghost={one} isNamed />
          ))}
        </div>
      )}
      {model.list.length === 0 && <p className="studio-quiet studio-empty">{t("There are no steps yet.")}</p>}
      {isEditable && (
        <button type="button" className="studio-button studio-list-add" onClick={() => add(model.main)}>
          <Icon name="plus" size={16} /> {t("Add a step")}
        </button>
      )}
      {result && (
        <section className="studio-triggers" aria-label={t("Result")}>
          <Result look={result} />
        </section>
      )}
    </div>
  );
}

const levelOf = (node: Node): number => [...around(node)].length + 1;
const indent = (node: Node): number => 0.5 + 1.1 * (levelOf(node) - 1);

// Return the heading above the first step of a list that runs only after a failure.
function head({ block, number }: Node): string {
  if (number > 1) return "";
  if (block.kind === "failure") return t("If the workflow fails");
  return block.kind === "fallback" ? t("If {title} fails", { title: block.owner!.step.title }) : "";
}

function Row({ node, isCurrent, mark, isDim }: { node: Node; isCurrent: boolean; mark: Mark | null; isDim: boolean }) {
  const studio = useStudio();
  const said = saidOf(node.step, studio.view.steps, useExpressionsShown());
  const { step } = node;
  const problems = studio.problemsOf(step.id);
  const own = lookOf(studio, node);
  const errors = problems.filter((one) => one.severity === "error").length;
  const isFolded = studio.folded.has(node.key);
  const isSelected = studio.selected.has(node.key);
  const isRenamed = studio.dialog?.kind === "rename" && studio.dialog.key === node.key;
  const ghost = studio.copilot.ghosts?.steps.get(step.id) ?? null;
  return (
    <tr
      role="row"
      data-step={node.key}
      data-kind={step.kind}
      data-color={own?.color || undefined}
      style={styleOf(own)}
      data-status={mark?.status || undefined}
      data-dim={isDim || undefined}
      aria-level={levelOf(node)}
      aria-posinset={node.number}
      aria-setsize={node.block.nodes.length}
      aria-expanded={node.inner ? !isFolded : undefined}
      aria-selected={isSelected}
      tabIndex={isCurrent ? 0 : -1}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey) {
          const next = new Set(studio.selected);
          if (!next.delete(node.key)) next.add(node.key);
          studio.select(next, node.key);
        } else studio.select([node.key], node.key);
        studio.openPanel();
      }}
      onContextMenu={(event) => {
        event.preventDefault();
        if (!isSelected) studio.select([node.key], node.key);
        studio.open({ kind: "menu", x: event.clientX, y: event.clientY, key: node.key });
      }}
    >
      <td role="gridcell" style={{ paddingInlineStart: `${indent(node)}rem` }}>
        <span className="studio-row-title">
          {node.inner ? (
            <button
              type="button"
              className="studio-fold"
              tabIndex={-1}
              aria-label={isFolded ? t("Unfold {title}", { title: step.title }) : t("Fold {title}", { title: step.title })}
              onClick={(event) => {
                event.stopPropagation();
                studio.fold(node);
              }}
            >
              <Icon name={isFolded ? "right" : "down"} size={16} />
            </button>
          ) : null}
          <span className="studio-kind">
            <StepIcon step={step} look={own} />
          </span>
          {step.uses && studio.debugger.breakpoints.has(step.id) && (
            <>
              <BreakpointDot />
              <span className="studio-spoken">{t("has a breakpoint")}</span>
            </>
          )}
          {isRenamed ? (
            <RenameForm node={node} width="min(22rem, 70vw)" />
          ) : (
            <span className="studio-words">
              <b title={step.title}>{step.title}</b>
              <small className="studio-quiet studio-phone-word" aria-hidden="true">
                {wordOf(step, studio.mounted.services)}
              </small>
              {said.condition && (
                <small className="studio-row-condition">
                  <b>{t("if")}</b> {said.condition}
                </small>
              )}
              {step.note && (
                <small className="studio-quiet" title={step.note}>
                  {t("Note: {note}", { note: plainOf(step.note) })}
                </small>
              )}
            </span>
          )}
        </span>
      </td>
      <td role="gridcell">
        {step.kind === "group" && said.each ? said.each : [wordOf(step, studio.mounted.services), said.each && insideSentence(said.each)].filter(Boolean).join(", ")}
      </td>
      <td role="gridcell">
        {errors > 0 ? (
          <span className="studio-badge" data-tone="error">
            {tn("{count} error", "{count} errors", errors)}
          </span>
        ) : problems.length > 0 ? (
          <span className="studio-badge" data-tone="warning">
            {tn("{count} warning", "{count} warnings", problems.length)}
          </span>
        ) : null}
        <MarkBadge mark={mark} />
        {ghost && <GhostMark ghost={ghost} />}
        {mark?.isPredicted && <small className="studio-quiet"> gives {giveWords({ type: mark.type, may_be_missing: mark.isHollow })}</small>}
      </td>
    </tr>
  );
}
