// The list of step types, with a search by their words.
import { useEffect, useMemo, useRef, useState } from "react";

import type { Kind, StepType } from "../api";
import { N_, t } from "../language";
import type { Gap } from "../layout";
import { wordsOf } from "../store";
import { useStudio } from "./context";
import { Modal } from "./Dialogs";
import { Icon, type IconName } from "./icons";

interface Choice {
  key: string;
  title: string;
  text: string;
  // The title of its service, "" if it needs none.
  service: string;
  icon: IconName;
  type: StepType | null;
}

const GROUP: Choice = { key: "group", service: "", title: N_("Group"), text: N_("Steps together: repeated for each item of a list, or under one condition."), icon: "group", type: null };
const ORDER: Kind[] = ["input", "process", "agent", "output", "tool", "unknown", "group"];
const HEADS: Record<Kind, string> = {
  input: N_("Read"),
  process: N_("Decide and work internally"),
  agent: N_("Ask a model"),
  output: N_("Write"),
  tool: N_("Tools"),
  group: N_("Structure"),
  unknown: N_("Other"),
};

export const firstSentence = (text: string): string => (text.split(/(?<=\.)\s/)[0] ?? "").trim();

// Return how well a type fits the words; 0: not at all.
export function rank(type: StepType, words: string[], service = ""): number {
  const [title, name, text] = [type.title.toLowerCase(), type.name.toLowerCase(), type.description.toLowerCase()];
  let sum = 0;
  for (const word of words) {
    const found = title.startsWith(word) ? 8 : title.includes(word) ? 6 : name.includes(word) || service.toLowerCase().includes(word) ? 5 : firstSentence(text).includes(word) ? 2 : text.includes(word) ? 1 : 0;
    if (found === 0) return 0;
    sum += found;
  }
  return sum;
}

export function Picker({ gap }: { gap: Gap }) {
  const studio = useStudio();
  const [search, setSearch] = useState("");
  const [at, setAt] = useState(0);
  const [failure, setFailure] = useState("");
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    studio.stepTypes().catch((error: Error) => setFailure(error.message));
  }, [studio]);
  const { services } = studio.mounted;
  const choices = useMemo(() => choicesFor(studio.types ?? [], services, search), [studio.types, services, search]);
  const chosen = Math.min(at, choices.length - 1);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [chosen, choices]);
  const take = (choice: Choice | undefined): void => {
    if (!choice) return;
    studio.open(null);
    if (choice.type) studio.add(gap, choice.type);
    else studio.addGroup(gap);
  };
  return (
    <Modal title={t("Add a step {where}", { where: wordsOf(gap) })} className="studio-picker">
      <input
        data-first
        role="combobox"
        aria-label={t("Search step types")}
        aria-expanded="true"
        aria-controls="studio-choices"
        aria-activedescendant={choices[chosen] ? `studio-choice-${chosen}` : undefined}
        aria-autocomplete="list"
        placeholder={t("Search: mail, issue, model, wait …")}
        value={search}
        onChange={(event) => {
          setSearch(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
          if (step !== undefined) {
            event.preventDefault();
            setAt(Math.max(0, Math.min(choices.length - 1, chosen + step)));
          } else if (event.key === "Enter") {
            event.preventDefault();
            take(choices[chosen]);
          }
        }}
      />
      <div ref={list} id="studio-choices" role="listbox" aria-label={t("Step types")} className="studio-choices" tabIndex={-1}>
        {choices.map((choice, index) => {
          const kind = kindOf(choice);
          const isHead = search === "" && (index === 0 || kindOf(choices[index - 1]!) !== kind);
          return (
            <div key={choice.key} role="presentation">
              {isHead && (
                <div role="presentation" className="studio-choices-head">
                  {t(HEADS[kind])}
                </div>
              )}
              <div
                id={`studio-choice-${index}`}
                role="option"
                aria-selected={index === chosen}
                className="studio-choice"
                data-kind={kind}
                onClick={() => take(choice)}
                onPointerMove={() => setAt(index)}
              >
                <span className="studio-kind">
                  <Icon name={choice.icon} />
                </span>
                <span className="studio-words">
                  <span>
                    <b>{choice.type ? choice.title : t(choice.title)}</b> {choice.service && <span className="studio-quiet">{choice.service}</span>}
                  </span>
                  <small className="studio-quiet">{choice.type ? choice.text : t(choice.text)}</small>
                </span>
                <code className="studio-quiet">{choice.key}</code>
              </div>
            </div>
          );
        })}
        {studio.types && choices.length === 0 && <p className="studio-quiet">{t("No step type has these words. Try the name of a service, or fewer words.")}</p>}
        {!studio.types && <p className="studio-quiet">{failure || t("Loading the step types …")}</p>}
      </div>
    </Modal>
  );
}

const kindOf = (choice: Choice): Kind => choice.type?.kind ?? "group";

// The words by which people look for what repeats steps, each of them alone.
const REPEATING = N_("each every foreach iterate loop repeat");

export function choicesFor(types: StepType[], services: Record<string, string>, search: string): Choice[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const serviceOf = (type: StepType): string => services[type.service ?? ""] ?? "";
  const choice = (type: StepType): Choice => ({ key: type.name, title: type.title, text: firstSentence(type.description), service: serviceOf(type), icon: type.kind, type });
  if (words.length === 0) {
    const sorted = [...types].sort((one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind) || one.name.localeCompare(other.name));
    return types.length > 0 ? [...sorted.map(choice), GROUP] : [];
  }
  const ranked = types.map((type) => ({ type, rank: rank(type, words, serviceOf(type)) })).filter((one) => one.rank > 0);
  ranked.sort((one, other) => other.rank - one.rank || one.type.title.localeCompare(other.type.title));
  const found = ranked.map((one) => choice(one.type));
  const repeating = `${REPEATING} ${t(REPEATING)}`.toLowerCase().split(" ");
  const itself = `group ${GROUP.text} ${t(GROUP.title)} ${t(GROUP.text)}`.toLowerCase();
  const isGroup = words.some((word) => repeating.includes(word)) || words.every((word) => itself.includes(word) || repeating.some((one) => one.startsWith(word)));
  return isGroup ? [GROUP, ...found] : found;
}
