// The list of step types, with a search by what a step should do.
import { useEffect, useMemo, useRef, useState } from "react";

import { api, type Kind, type StepType } from "../api";
import { N_, t } from "../language";
import type { Gap } from "../layout";
import { wordsOf } from "../store";
import { useStudio } from "./context";
import { Icon, type IconName } from "./icons";
import { Modal } from "./Modal";

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

interface Found {
  search: string;
  // The types that fit, the best first.
  names: string[];
}
const NOTHING: Found = { search: "", names: [] };
const REST_MS = 60;

// Return what the server finds for the words; until it answers, what it found before.
function useFound(search: string, onFailure: (message: string) => void): Found {
  const [found, setFound] = useState(NOTHING);
  useEffect(() => {
    if (!search.trim()) return setFound({ search, names: [] });
    let isOld = false;
    const timer = setTimeout(() => {
      api.fittingTypes(search).then(
        (names) => {
          if (isOld) return;
          setFound({ search, names });
          onFailure("");
        },
        (error: Error) => !isOld && onFailure(error.message),
      );
    }, REST_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [search]);
  return found;
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
  const found = useFound(search, setFailure);
  const [isWanted, setWanted] = useState(false);
  const choices = useMemo(() => choicesFor(studio.types ?? [], services, found.search, found.names), [studio.types, services, found]);
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
  useEffect(() => {
    if (isWanted && found.search === search) take(choices[0]);
  }, [isWanted, found]);
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
        placeholder={t("Say what it should do: post a summary to Slack")}
        value={search}
        onChange={(event) => {
          setSearch(event.target.value);
          setAt(0);
          setWanted(false);
        }}
        onKeyDown={(event) => {
          const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
          if (step !== undefined) {
            event.preventDefault();
            setAt(Math.max(0, Math.min(choices.length - 1, chosen + step)));
          } else if (event.key === "Enter") {
            event.preventDefault();
            if (found.search === search) take(choices[chosen]);
            else setWanted(true); // once it is found
          }
        }}
      />
      <div ref={list} id="studio-choices" role="listbox" aria-label={t("Step types")} className="studio-choices" tabIndex={-1}>
        {choices.map((choice, index) => {
          const kind = kindOf(choice);
          const isHead = !found.search.trim() && (index === 0 || kindOf(choices[index - 1]!) !== kind);
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
        {studio.types && choices.length === 0 && !failure && <p className="studio-quiet">{t("No step type fits these words. Try the name of a service, or other words.")}</p>}
        {(failure || !studio.types) && <p className="studio-quiet">{failure || t("Loading the step types …")}</p>}
      </div>
    </Modal>
  );
}

const kindOf = (choice: Choice): Kind => choice.type?.kind ?? "group";

// The words by which people look for what repeats steps, each of them alone.
const REPEATING = N_("each every foreach iterate loop repeat");

// `found`: the names of the types that fit the words, the best first.
export function choicesFor(types: StepType[], services: Record<string, string>, search: string, found: string[] = []): Choice[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const choice = (type: StepType): Choice => ({ key: type.name, title: type.title, text: firstSentence(type.description), service: services[type.service ?? ""] ?? "", icon: type.kind, type });
  if (words.length === 0) {
    const sorted = [...types].sort((one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind) || one.name.localeCompare(other.name));
    return types.length > 0 ? [...sorted.map(choice), GROUP] : [];
  }
  const byName = new Map(types.map((type) => [type.name, type]));
  const fitting = found.flatMap((name) => byName.get(name) ?? []).map(choice);
  const repeating = `${REPEATING} ${t(REPEATING)}`.toLowerCase().split(" ");
  const itself = `group ${GROUP.text} ${t(GROUP.title)} ${t(GROUP.text)}`.toLowerCase();
  const isGroup = words.some((word) => repeating.includes(word)) || words.every((word) => itself.includes(word) || repeating.some((one) => one.startsWith(word)));
  return isGroup ? [GROUP, ...fitting] : fitting;
}
