// A text area for code: with line numbers, since errors name a line, and colours behind it; Enter keeps the indentation.
import { Fragment, useEffect, useLayoutEffect, useRef, type KeyboardEvent } from "react";

import { useColors } from "./colors";
import type { ControlProps } from "./Expression";

const LINES_BEFORE = 4;

interface Props extends ControlProps {
  id: string;
  value: string;
  language: string;
  // The line that an error names: it is marked, and brought into sight.
  faulty?: number | undefined;
  onChange(text: string): void;
}

export function Code({ id, value, language, isDisabled, isInvalid, describedBy, faulty, onChange }: Props) {
  const numbers = useRef<HTMLPreElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const colors = useRef<HTMLElement>(null);
  const runs = useColors(value, language);
  const follow = () => {
    const { scrollTop = 0, scrollLeft = 0 } = area.current ?? {};
    numbers.current?.scrollTo(0, scrollTop);
    if (colors.current) colors.current.style.transform = `translate(${-scrollLeft}px, ${-scrollTop}px)`; // it has no scrollbars, so it could not scroll as far
  };

  useLayoutEffect(follow);
  useEffect(() => {
    if (faulty === undefined || !area.current) return;
    const height = area.current.scrollHeight / area.current.value.split("\n").length;
    area.current.scrollTop = (faulty - LINES_BEFORE) * height;
  }, [faulty]);

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing || event.ctrlKey || event.metaKey) return;
    const { value: text, selectionStart } = event.currentTarget;
    // Unlike an assignment to the value, it can be undone with the keys for that.
    document.execCommand("insertText", false, `\n${indentation(text.slice(0, selectionStart))}`);
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="panel-code" data-colored={runs ? true : undefined}>
      {runs && (
        <pre className="panel-colors" aria-hidden="true">
          <code ref={colors}>
            {runs.map(({ text, color }, index) => (
              <span key={index} style={color ? { color } : undefined}>
                {text}
              </span>
            ))}
          </code>
        </pre>
      )}
      <textarea
        ref={area}
        id={id}
        rows={8}
        wrap="off"
        value={value}
        disabled={isDisabled}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        aria-invalid={isInvalid || undefined}
        aria-describedby={describedBy}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={onKeyDown}
        onScroll={follow}
      />
      <pre ref={numbers} className="panel-numbers" aria-hidden="true">
        {value.split("\n").map((_, index) => (
          <Fragment key={index}>
            {index + 1 === faulty ? <mark>{index + 1}</mark> : index + 1}
            {"\n"}
          </Fragment>
        ))}
      </pre>
    </div>
  );
}

// Return the blanks that the next line begins with: as the last one, and with more after what opens a block.
export function indentation(before: string): string {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const blanks = /^[ \t]*/.exec(line)?.[0] ?? "";
  return /[:{[(]\s*$/.test(line) ? `${blanks}    ` : blanks;
}
