// What a data line carries: which step's output goes into which field, and why it may not.
import { useEffect, useMemo, useRef, useState } from "react";

import type { StepType } from "../api";
import { joinedNames, type Joining } from "../joining";
import { targetsOf, written, type Target } from "../join";
import { t } from "../language";
import { expressionFor } from "../panel/completion";
import { useExpressionsShown } from "../panel/expressionSwitch";
import { plainWords, wordsOf } from "../panel/meaning";
import { useLoaded } from "../panel/useLoaded";
import { around, type Node } from "../model";
import { useStudio } from "./context";
import { Modal } from "./Modal";

export function JoinDialog({ from: given, to, field }: { from: string | null; to: string; field?: number | undefined }) {
  const studio = useStudio();
  const target = studio.node(to);
  const sources = useMemo(() => (target ? sourcesOf(studio.view.model.list, target) : []), [target, studio]);
  const [source, setSource] = useState(given ?? sources[0]?.key ?? "");
  const types = useLoaded(() => studio.stepTypes(), "types");
  const from = studio.node(source);
  if (!target) return null;
  const type = types.value?.find(({ name }) => name === target.step.uses);
  const targets = types.value ? targetsOf(studio.view.definition, target.step.id, type) : [];
  const listed = from && !sources.includes(from) ? [from, ...sources] : sources;
  return (
    <Modal title={t("Use an output in {title}", { title: target.step.title })} className="studio-join">
      <label>
        {t("Output of")}
        <select value={source} data-first={given === null || undefined} onChange={(event) => setSource(event.target.value)}>
          {listed.map((one) => (
            <option key={one.key} value={one.key}>
              {one.step.title}
            </option>
          ))}
        </select>
      </label>
      {from && types.value ? (
        <Choices key={from.key} types={types.value} from={from} to={target} targets={targets} field={field ?? 0} isFirst={given !== null} />
      ) : (
        <p className="studio-quiet">{types.failure || (from || listed.length > 0 ? t("Loading …") : t("No step stands before this one."))}</p>
      )}
    </Modal>
  );
}

// The steps whose outputs a step may use: those before it in its list and in the lists around it, and the loops around it.
function sourcesOf(list: readonly Node[], to: Node): Node[] {
  const outer = [to, ...around(to)];
  return outer.flatMap((one) => [...list.filter((other) => other.block === one.block && other.number < one.number).toReversed(), ...(one !== to && one.step.foreach ? [one] : [])]);
}

interface ChoicesProps {
  types: readonly StepType[];
  from: Node;
  to: Node;
  targets: Target[];
  field: number;
  isFirst: boolean;
}

function Choices({ types, from, to, targets, field, isFirst }: ChoicesProps) {
  const studio = useStudio();
  const names = useLoaded(() => joinedNames(studio.mounted.workflow, studio.view.definition, types, from, to), "names");
  const isRaw = useExpressionsShown();
  const titleOf = (id: string) => studio.view.steps.find((one) => one.id === id)?.title ?? id;
  const [chosen, setOutput] = useState<number>();
  const [at, setAt] = useState(field);
  const [why, setWhy] = useState("");
  const [isChecking, setChecking] = useState(false);
  const all = names.value ?? [];
  const output = chosen ?? (all.length > 1 ? 1 : 0); // the whole output, which comes first, fits nowhere but in JSON
  const list = useRef<HTMLSelectElement>(null);
  useEffect(() => {
    if (isFirst) list.current!.focus();
  }, [isFirst]);
  const [name, target] = [all[output], targets[at]];
  const join = async (): Promise<void> => {
    if (!name || !target || isChecking) return;
    setChecking(true);
    setWhy("");
    const joining: Joining = { from, to, name, target };
    const refused = await studio.join(joining).catch((error: Error) => error.message);
    setChecking(false);
    if (refused) setWhy(refused);
    else studio.open(null);
  };
  const pick = (set: (index: number) => void) => (event: React.ChangeEvent<HTMLSelectElement>) => {
    setWhy("");
    set(event.target.selectedIndex);
  };
  const onKeyDown = (event: React.KeyboardEvent) => event.key === "Enter" && void join();
  return (
    <>
      <div className="studio-join-lists">
        <label>
          {t("Which part of it")}
          <select ref={list} size={9} value={output} onChange={pick(setOutput)} onKeyDown={onKeyDown} onDoubleClick={() => void join()}>
            {all.map((one, index) => (
              <option key={one.name} value={index} title={one.title}>
                {one.name === all[0]!.name ? t("all of it") : isRaw ? `${one.name.slice(all[0]!.name.length).replace(/^\./, "")} · ${one.type}` : wordsOf(one, titleOf)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t("Goes into")}
          <select size={9} value={at} onChange={pick(setAt)} onKeyDown={onKeyDown} onDoubleClick={() => void join()}>
            {targets.map((one, index) => (
              <option key={one.path.join(".")} value={index}>
                {one.role ? `${one.label} · ${one.role}` : one.label}
              </option>
            ))}
          </select>
        </label>
      </div>
      {names.failure && <p className="panel-problem">{names.failure}</p>}
      {name && target && (
        <p className="studio-join-made">
          {target.label}: {isRaw ? <code>{written(target, name)}</code> : plainWords(written(target, name), all, titleOf)}
        </p>
      )}
      {name?.from_outside && <p className="studio-quiet">{t("{name} may hold text from outside.", { name: isRaw ? expressionFor(name) : wordsOf(name, titleOf) })}</p>}
      {why && (
        <p role="alert" className="studio-join-why">
          {why}
        </p>
      )}
      <footer className="studio-dialog-foot">
        <button type="button" className="studio-button" data-tone="primary" disabled={!name || !target || isChecking} onClick={() => void join()}>
          {t("Use it")}
        </button>
      </footer>
    </>
  );
}
