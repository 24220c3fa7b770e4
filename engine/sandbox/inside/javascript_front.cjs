// Run a person's JavaScript inside the sandbox (engine/sandbox/code/running.py starts it).
//
// The code finds the constant `inputs` and `require`; what `output` is at the end is kept as JSON. `await` may be used
// anywhere. Stacks have the lines of the code alone.
"use strict";

const { readFileSync, writeFileSync, writeSync } = require("node:fs");
const { createRequire } = require("node:module");
const { Script } = require("node:vm");

const CODE = "/code/main.js", INPUTS = "/in/inputs.json", OUTPUT = "/w/.output";
const BEFORE = "(async () => { __end(() => typeof output === 'undefined' ? undefined : output);";

let found = () => globalThis.output;

const constant = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true });
constant("inputs", JSON.parse(readFileSync(INPUTS, "utf8")));
constant("require", createRequire("/w/"));
constant("__end", (read) => { found = read; });

function fail(error) {
  const said = error instanceof Error ? error.stack : `${CODE}: thrown: ${String(error)}`;
  const lines = said.split("\n").filter((line) => !/^\s+at /.test(line) || line.includes(CODE));
  writeSync(2, lines.join("\n") + "\n");
  process.exit(1);
}

function finite(_key, value) { // JSON.stringify would write null
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`\`output\` cannot be written as JSON: ${value}`);
  return value;
}

function keep() {
  let output;
  try {
    output = found();
  } catch {
    return; // declared with const or let, and not reached
  }
  if (output === undefined) return;
  const text = JSON.stringify(output, finite);
  if (text === undefined) throw new TypeError("`output` cannot be written as JSON: it is a " + typeof output);
  writeFileSync(OUTPUT, text);
}

process.on("uncaughtException", fail);
process.on("exit", (status) => {
  if (status !== 0) return;
  try {
    keep();
  } catch (error) {
    writeSync(2, String(error) + "\n");
    process.exitCode = 1;
  }
});

try {
  const text = BEFORE + readFileSync(CODE, "utf8") + "\n})()";
  new Script(text, { filename: CODE, columnOffset: -BEFORE.length }).runInThisContext().catch(fail);
} catch (error) {
  fail(error);
}
