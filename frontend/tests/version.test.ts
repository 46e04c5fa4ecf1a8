import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PAGE_VERSION } from "../src/version";

// The page warns where the two differ, so a release must raise both.
it("the page has the version of the Python package", () => {
  const source = readFileSync(join(import.meta.dirname, "../../pysclice/__init__.py"), "utf-8");
  expect(/^__version__ = "(.+)"$/m.exec(source)?.[1]).toBe(PAGE_VERSION);
});
