import type { Catalog, Layout, Run, Series } from "../data/catalog";

/** What the server or a file said makes no sense; the message says where. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

export type Json = Readonly<Record<string, unknown>>;

export function asObject(value: unknown, where: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FormatError(`${where}: expected an object.`);
  }
  return value as Json;
}

export function asArray(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new FormatError(`${where}: expected a list.`);
  return value as readonly unknown[];
}

export function asText(value: unknown, where: string): string {
  if (typeof value !== "string") throw new FormatError(`${where}: expected a text.`);
  return value;
}

/** A number, or one of the words that stand for numbers which JSON cannot say. */
export function asNumber(value: unknown, where: string): number {
  if (typeof value === "number") return value;
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  throw new FormatError(`${where}: expected a number.`);
}

export function asCount(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new FormatError(`${where}: expected a count.`);
  }
  return value;
}

export function asTexts(value: unknown, where: string): string[] {
  return asArray(value, where).map((item) => asText(item, where));
}

/** Undo `[[value, count], ...]`. */
export function runLengthDecode<T>(
  value: unknown,
  length: number,
  read: (item: unknown, where: string) => T,
  where: string,
): T[] {
  const result: T[] = [];
  for (const pair of asArray(value, where)) {
    const [item, count] = asArray(pair, where);
    const times = asCount(count, where);
    // Checked before it is filled: a count may lie.
    if (result.length + times > length) throw new FormatError(`${where}: longer than the steps.`);
    const decoded = read(item, where);
    for (let i = 0; i < times; i += 1) result.push(decoded);
  }
  if (result.length !== length) throw new FormatError(`${where}: shorter than the steps.`);
  return result;
}

/** Little-endian float32 behind base64. */
export function floatsFromBase64(value: unknown, length: number, where: string): Float32Array {
  const binary = bytesFromBase64(value, where);
  if (binary.length !== 4 * length) throw new FormatError(`${where}: not ${length} floats.`);
  const view = new DataView(new ArrayBuffer(binary.length));
  for (let i = 0; i < binary.length; i += 1) view.setUint8(i, binary.charCodeAt(i));
  return Float32Array.from({ length }, (_, i) => view.getFloat32(4 * i, true));
}

/** One bit each, from the highest of the first byte on, behind base64: 1 or 0. */
export function bitsFromBase64(value: unknown, length: number, where: string): Uint8Array {
  const binary = bytesFromBase64(value, where);
  if (binary.length !== Math.ceil(length / 8))
    throw new FormatError(`${where}: not ${length} bits.`);
  return Uint8Array.from({ length }, (_, i) => (binary.charCodeAt(i >> 3) >> (7 - (i % 8))) & 1);
}

function bytesFromBase64(value: unknown, where: string): string {
  try {
    return atob(asText(value, where));
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`${where}: not base64.`);
  }
}

export function parseCatalog(value: unknown): Catalog {
  const index = asObject(value, "index");
  return {
    generation: asText(index["generation"], "generation"),
    version: asText(index["version"] ?? "", "version"),
    runs: asArray(index["runs"], "runs").map(parseRun),
    malformed: asCount(index["malformed"] ?? 0, "malformed"),
  };
}

function parseRun(value: unknown): Run {
  const run = asObject(value, "run");
  const name = asText(run["name"], "run.name");
  return {
    name,
    sources: asTexts(run["sources"] ?? [name], "run.sources"),
    series: asArray(run["series"], "run.series").map(parseSeries),
  };
}

function parseSeries(value: unknown): Series {
  const series = asObject(value, "series");
  const steps = asArray(series["steps"], "steps").map((step) => asNumber(step, "steps"));
  const column = <T>(key: string, read: (item: unknown, where: string) => T) =>
    runLengthDecode(series[key], steps.length, read, key);
  return {
    id: asText(series["id"], "series.id"),
    name: asText(series["name"], "series.name"),
    layouts: asArray(series["layouts"], "layouts").map(parseLayout),
    steps,
    layoutIndices: column("layout", asCount),
    attempts: column("attempts", asText),
    fingerprints: column("fingerprints", asText),
    wallTime: asNumber(series["wall_time"] ?? 0, "wall_time"),
    seconds: asArray(series["seconds"] ?? [], "seconds").map((item) => asNumber(item, "seconds")),
    epochs: parseEpochs(series["epochs"]),
    centers: mapOf(series["centers"], (item, where) => floatsFromBase64(item, steps.length, where)),
    ranges: mapOf(series["ranges"], parseRange),
    nonfinite: mapOf(series["nonfinite"], asCount),
  };
}

function parseEpochs(value: unknown): (number | null)[] | null {
  if (value === null || value === undefined) return null;
  return asArray(value, "epochs").map((item) => (item === null ? null : asNumber(item, "epochs")));
}

function parseRange(value: unknown, where: string): readonly [number, number] | null {
  if (value === null) return null;
  const [low, high] = asArray(value, where);
  if (low === null || high === null) return null;
  return [asNumber(low, where), asNumber(high, where)];
}

function parseLayout(value: unknown): Layout {
  const layout = asObject(value, "layout");
  return {
    kind: asText(layout["kind"], "layout.kind"),
    method: asText(layout["method"], "layout.method"),
    shape: asArray(layout["shape"], "layout.shape").map((n) => asCount(n, "layout.shape")),
    channels: asTexts(layout["channels"], "layout.channels"),
    axes: asTexts(layout["axes"] ?? [], "layout.axes"),
  };
}

// A Map, since channels are named by users and "__proto__" is a name too.
function mapOf<T>(
  value: unknown,
  read: (item: unknown, where: string) => T,
): ReadonlyMap<string, T> {
  const entries = Object.entries(asObject(value ?? {}, "column"));
  return new Map(entries.map(([name, item]) => [name, read(item, name)]));
}

export interface Health {
  readonly version: string;
  readonly tensorboard: string;
  /** The directory that TensorBoard shows; empty where it shows several or does not tell. */
  readonly logdir: string;
  readonly loader: string;
  /** "all", or how many events TensorBoard keeps of each tag. */
  readonly retention: string;
  readonly malformed: readonly { run: string; tag: string; reason: string }[];
  readonly newer: number;
}

export function parseHealth(value: unknown): Health {
  const health = asObject(value, "health");
  const retention = health["retention"];
  return {
    version: asText(health["pysclice"] ?? "", "pysclice"),
    tensorboard: asText(health["tensorboard"] ?? "", "tensorboard"),
    logdir: asText(health["logdir"] ?? "", "logdir"),
    loader: asText(health["loader"] ?? "unknown", "loader"),
    retention:
      typeof retention === "number" ? `${retention}` : asText(retention ?? "all", "retention"),
    malformed: asArray(health["malformed"] ?? [], "malformed").map((item) => {
      const entry = asObject(item, "malformed");
      return {
        run: asText(entry["run"] ?? "", "malformed.run"),
        tag: asText(entry["tag"] ?? "", "malformed.tag"),
        reason: asText(entry["reason"] ?? "", "malformed.reason"),
      };
    }),
    newer: asCount(health["newer"] ?? 0, "newer"),
  };
}

export function parsePoll(value: unknown): { generation: string; changed: boolean } {
  const poll = asObject(value, "poll");
  return {
    generation: asText(poll["generation"], "generation"),
    changed: poll["changed"] === true,
  };
}
