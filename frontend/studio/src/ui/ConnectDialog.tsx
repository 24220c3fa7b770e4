// The list of the steps that can wait for a step, and of those that do, with a search by their words.
import { useMemo, useState } from "react";

import { connections } from "../gestures";
import { t } from "../language";
import type { Node } from "../model";
import { useStudio } from "./context";
import { Icon } from "./icons";
import { Modal } from "./Modal";
import { iconOf } from "./looks";

interface Choice {
  node: Node;
  isMade: boolean;
}

export function ConnectDialog({ dialogKey }: { dialogKey: string }) {
  const studio = useStudio();
  const from = studio.node(dialogKey);
  const [search, setSearch] = useState("");
  const [at, setAt] = useState(0);
  const choices = useMemo(() => (from ? choicesFor(from, search) : []), [from, search]);
  if (!from) return null;
  const chosen = Math.min(at, choices.length - 1);
  const take = (choice: Choice | undefined): void => {
    if (!choice) return;
    studio.open(null);
    if (choice.isMade) studio.disconnect(from.key, choice.node.key);
    else studio.connect(from.key, choice.node.key);
  };
  return (
    <Modal title={`What waits for ${from.step.title}`} className="studio-picker">
      <input
        data-first
        role="combobox"
        aria-label={t("Search steps to connect")}
        aria-expanded="true"
        aria-controls="studio-connections"
        aria-activedescendant={choices[chosen] ? `studio-connection-${chosen}` : undefined}
        aria-autocomplete="list"
        placeholder={t("Search: title, id …")}
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
      <div id="studio-connections" role="listbox" aria-label={t("Steps")} className="studio-choices" tabIndex={-1}>
        {choices.map((choice, index) => (
          <div
            key={choice.node.key}
            id={`studio-connection-${index}`}
            ref={index === chosen ? (element) => element?.scrollIntoView({ block: "nearest" }) : undefined}
            role="option"
            aria-selected={index === chosen}
            className="studio-choice"
            data-kind={choice.node.step.kind}
            onClick={() => take(choice)}
            onPointerMove={() => index !== chosen && setAt(index)}
          >
            <span className="studio-kind">
              <Icon name={iconOf(choice.node.step)} />
            </span>
            <span className="studio-words">
              <b>{choice.node.step.title}</b>
              <small className="studio-quiet">{choice.isMade ? t("Waits for it: choose it to disconnect") : t("Does not wait for it: choose it to connect")}</small>
            </span>
            <code className="studio-quiet">{choice.node.step.id}</code>
          </div>
        ))}
        {choices.length === 0 && (
          <p className="studio-quiet">
            {search ? t("No step that can be connected has these words.") : t("Nothing can wait for it. A step waits for steps above it in its own list, and by default for all of them.")}
          </p>
        )}
      </div>
    </Modal>
  );
}

function choicesFor(from: Node, search: string): Choice[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const { made, possible } = connections(from);
  const all = [...made.map((node) => ({ node, isMade: true })), ...possible.map((node) => ({ node, isMade: false }))];
  return all.filter(({ node }) => words.every((word) => `${node.step.title} ${node.step.id}`.toLowerCase().includes(word)));
}
