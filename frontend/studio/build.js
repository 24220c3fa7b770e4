// Builds the canvas into dashboard/assets/studio: one module, and the licences of the packages inside it.
import { build } from "esbuild";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { licences } from "../licences.js";

const LARGEST_BYTES = 280_000; // as it is sent, compressed

const here = fileURLToPath(new URL(".", import.meta.url));
const out = join(here, "../../dashboard/assets/studio");

const result = await build({
  absWorkingDir: here,
  entryPoints: ["src/index.tsx"],
  outfile: join(out, "studio.js"),
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  loader: { ".css": "text" },
  define: { "process.env.NODE_ENV": '"production"' },
  minify: true,
  charset: "utf8",
  legalComments: "inline",
  metafile: true,
  banner: { js: "/*! AI-Orchestra's canvas, built from frontend/studio. Licences of the packages in it: LICENSES.txt */" },
});

await writeFile(join(out, "LICENSES.txt"), licences(here, Object.keys(result.metafile.inputs)));
const size = gzipSync(await readFile(join(out, "studio.js")), { level: 9 }).length;
console.log(`studio.js: ${size} bytes compressed, at most ${LARGEST_BYTES}`);
if (size > LARGEST_BYTES) throw new Error("The canvas is too large.");
