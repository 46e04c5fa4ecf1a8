import { frameKey, type Catalog } from "../data/catalog";
import { coarsen } from "../data/coarsen";
import { longCsv } from "../data/longCsv";
import { PAGE_VERSION } from "../version";
import type { Client } from "./client";
import type { Frame } from "./frames";
import { decodeRecord } from "./record";
import { asObject, asText, asTexts, FormatError, parseCatalog, type Json } from "./schema";

/** The log that a file carries with it; see `static_page.py` beside the plugin. */
export interface EmbeddedLog {
  readonly catalog: Catalog;
  /** Records by key, behind base64: decoded only once they are to be drawn. */
  readonly frames: Json;
  readonly link: ReadonlyMap<string, string>;
  /** All runs in TensorBoard's order; empty where nobody knew it. */
  readonly runs: readonly string[];
}

export function readEmbeddedLog(page: Document): EmbeddedLog {
  const text = page.getElementById("pysclice-log")?.textContent;
  if (!text) throw new FormatError("This file holds no slices.");
  const log = asObject(JSON.parse(text), "log");
  const link = Object.entries(asObject(log["link"], "link"));
  return {
    catalog: parseCatalog(log["index"]),
    frames: asObject(log["frames"], "frames"),
    runs: asTexts(log["runs"], "runs"),
    link: new Map(link.map(([key, value]) => [key, asText(value, "link")])),
  };
}

/** Answers from the file itself: it never asks anybody. */
export function createEmbeddedClient({ catalog, frames }: EmbeddedLog): Client {
  const { version, generation } = catalog;
  return {
    index: () => Promise.resolve(catalog),
    poll: () => Promise.resolve({ generation, changed: false }),
    health: () =>
      Promise.resolve({
        version: version || PAGE_VERSION,
        tensorboard: "",
        logdir: "",
        loader: "file",
        retention: "all",
        malformed: [],
        newer: 0,
      }),
    frames: (keys, stride) =>
      Promise.resolve(new Map(keys.map((key) => [key, frameOf(frames, key, stride)]))),
    file: (ask) => {
      if (ask.format !== "csv") return Promise.reject(new FormatError("This page is a file."));
      const found = catalog.runs.flatMap(({ name, series: all }) =>
        all.flatMap((series) =>
          series.steps.flatMap((_, position) => {
            const key = frameKey(series, position) ?? "";
            const asked = "keys" in ask ? ask.keys.includes(key) : ask.series === series.id;
            const frame = asked ? frameOf(frames, key, 1) : null;
            return frame && "slice" in frame ? [{ run: name, slice: frame.slice }] : [];
          }),
        ),
      );
      return Promise.resolve(new Blob([longCsv(found)], { type: "text/csv" }));
    },
    formats: ["csv"],
    hasServer: false,
  };
}

function frameOf(frames: Json, key: string, stride: number): Frame {
  const text = Object.hasOwn(frames, key) ? frames[key] : undefined;
  if (typeof text !== "string") return { error: "This file does not hold that slice." };
  try {
    const slice = decodeRecord(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
    return { slice: coarsen(slice, stride) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : "This slice could not be read." };
  }
}
