// What a browser must load before the page can draw: index.js, the page that it imports as soon as
// it runs, and all that these import statically.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 190;
const folder = join(
  dirname(fileURLToPath(import.meta.url)),
  "../../tensorboard_plugin/tensorboard_loss_slicer/static",
);
if (!existsSync(join(folder, "index.js"))) {
  console.error("Nothing is built yet: run `npm run build` first.");
  process.exit(1);
}

const seen = new Map();
function visit(name) {
  if (seen.has(name)) return;
  const code = readFileSync(join(folder, name));
  seen.set(name, { raw: code.length, gz: gzipSync(code, { level: 9 }).length });
  const imports =
    name === "index.js"
      ? /(?:\bfrom|\bimport)\s*\(?\s*["'`](\.\/[^"'`]+\.js)["'`]/g
      : /(?:\bfrom|\bimport)\s*["'](\.\/[^"']+\.js)["']/g;
  for (const match of code.toString().matchAll(imports)) visit(basename(match[1]));
}
visit("index.js");

let total = 0;
for (const [name, { raw, gz }] of seen) {
  total += gz;
  console.log(`${name.padEnd(32)} ${kb(raw).padStart(9)} raw ${kb(gz).padStart(9)} gz`);
}
console.log(`first load ${kb(total)} gz, limit ${LIMIT_KB} kB`);
if (total > LIMIT_KB * 1000) {
  console.error("The first load is above its limit.");
  process.exit(1);
}

function kb(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
