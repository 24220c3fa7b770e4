// The step types of the engine, asked when the tests run: nothing is kept that could be out of date.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const own = `${root}.venv/bin/python`;
const program = `
import json
from dataclasses import asdict
from engine.plugins.step_info import step_type_infos
print(json.dumps([asdict(one) for one in step_type_infos()]))
`;

export function registry() {
  const python = process.env.PYTHON ?? (existsSync(own) ? own : "python3");
  return JSON.parse(execFileSync(python, ["-c", program], { cwd: root, encoding: "utf8", maxBuffer: 1e8 }));
}
