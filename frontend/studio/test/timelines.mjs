// A run of the engine's own tests that waited, failed and was resumed: its timeline, and its state at many times as the
// engine has it.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const program = `
import json
from tests.engine.record.states.test_timeline import WAITED, at, state_at, timeline
times = [at(f"{hour:02}:{minute:02}:{second:02}") for hour in range(9, 16) for minute in (0, 9, 10, 11) for second in range(8)]
print(json.dumps({"line": timeline(WAITED), "states": {time: state_at(WAITED, time) for time in times}}))
`;

export function waited() {
  return JSON.parse(execFileSync(`${root}.venv/bin/python`, ["-c", program], { cwd: root, encoding: "utf8" }));
}
