// Icons as paths on a field of 24 by 24, drawn with lines in the colour of the text.
const PATHS = {
  input: "M4 12h11m-4-4 4 4-4 4M15 4h3a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-3",
  output: "M9 12h11m-4-4 4 4-4 4M9 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h3",
  process: "M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM12 3v2.5M12 18.5V21M3 12h2.5M18.5 12H21M5.6 5.6l1.8 1.8M16.6 16.6l1.8 1.8M18.4 5.6l-1.8 1.8M7.4 16.6l-1.8 1.8",
  agent: "M12 3l1.9 5.1L19 10l-5.1 1.9L12 17l-1.9-5.1L5 10l5.1-1.9ZM18.5 15l.8 2.2 2.2.8-2.2.8-.8 2.2-.8-2.2-2.2-.8 2.2-.8Z",
  tool: "M14.5 6.5a4 4 0 0 1 5-1.2l-2.6 2.6.2 2 2 .2 2.1-2.6a4 4 0 0 1-5.4 5L8.5 20a2.1 2.1 0 0 1-3-3l7.3-7.3a4 4 0 0 1 1.7-3.2Z",
  copilot: "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5ZM12 6.8l.9 2.3 2.3.9-2.3.9-.9 2.3-.9-2.3-2.3-.9 2.3-.9Z",
  group: "M4 7a2 2 0 0 1 2-2h3l2 2.5h7a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2Z",
  loop: "M17 3l3 3-3 3M20 6H8a4 4 0 0 0-4 4v1M7 21l-3-3 3-3M4 18h12a4 4 0 0 0 4-4v-1",
  unknown: "M9 9a3 3 0 1 1 4.2 2.7c-.8.4-1.2 1-1.2 1.8v.5M12 17.5v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z",
  failure: "M12 4 2.8 19.5h18.4ZM12 10v4M12 16.8v.2",
  trigger: "M13 3 5 14h6l-1 7 8-11h-6Z",
  start: "M8 5.5v13l10-6.5Z",
  pause: "M8 5v14M16 5v14",
  breakpoint: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z",
  step: "M4 6l8 6-8 6ZM16 5v14",
  end: "M6 21V4h12l-2.5 4 2.5 4H6",
  plus: "M12 5v14M5 12h14",
  undo: "M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
  redo: "M15 14l5-5-5-5M20 9H10a6 6 0 0 0 0 12h3",
  fit: "M4 9V5a1 1 0 0 1 1-1h4M15 4h4a1 1 0 0 1 1 1v4M20 15v4a1 1 0 0 1-1 1h-4M9 20H5a1 1 0 0 1-1-1v-4",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.3 15.3 20 20",
  list: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  drawing: "M9 3h6v5H9ZM4 16h6v5H4ZM14 16h6v5h-6ZM12 8v4M7 16v-4h10v4",
  data: "M4 7c4 0 4 10 8 10s4-10 8-10M4 17c4 0 4-10 8-10s4 10 8 10",
  full: "M14 4h6v6M10 20H4v-6M20 4l-7 7M4 20l7-7",
  small: "M20 10h-6V4M4 14h6v6M14 10l7-7M3 21l7-7",
  close: "M6 6l12 12M18 6 6 18",
  note: "M5 4h14v10l-5 6H5ZM14 20v-6h5M8.5 8.5h7M8.5 12h4",
  down: "M6 9.5l6 6 6-6",
  right: "M9.5 6l6 6-6 6",
  help: "M9 9a3 3 0 1 1 4.2 2.7c-.8.4-1.2 1-1.2 1.8v.5M12 17.5v.5",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  branch: "M6 4v16M6 14c0-5 12-2 12-8M15 8.5 18 5.5l3 3",
  done: "M5 12.5l4.5 4.5L19 7.5",
  failed: "M7 7l10 10M17 7 7 17",
  running: "M12 4a8 8 0 1 0 8 8",
  waiting: "M7 4h10M7 20h10M8 4c0 5 8 6 8 16M16 4c0 5-8 6-8 16",
  skipped: "M5 6l8 6-8 6ZM17 6v12",
  pending: "M12 7v5l3 2M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg className="studio-icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
