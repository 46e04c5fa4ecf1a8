import type { Catalog } from "../data/catalog";
import { decodeFrames, type Frame } from "./frames";
import { type Health, parseCatalog, parseHealth, parsePoll } from "./schema";

/** The server answered, and what it answered was no. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The only place that knows URLs; they are relative, so that prefixes and proxies work. */
export interface Client {
  index(signal?: AbortSignal): Promise<Catalog>;
  poll(since: string, signal?: AbortSignal): Promise<{ generation: string; changed: boolean }>;
  frames(
    keys: readonly string[],
    stride: number,
    signal?: AbortSignal,
  ): Promise<Map<string, Frame>>;
  health(signal?: AbortSignal): Promise<Health>;
  exportUrl(keys: readonly string[], format: "csv" | "json" | "npy"): string;
}

export function createClient(base = "./"): Client {
  const get = async (path: string, signal: AbortSignal | undefined): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(base + path, signal ? { signal } : {});
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Error("TensorBoard cannot be reached. Is it still running?");
    }
    if (!response.ok) throw new HttpError(response.status, await sentenceOf(response));
    return response;
  };
  const query = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString();
  return {
    index: async (signal) => parseCatalog(await (await get("index", signal)).json()),
    poll: async (since, signal) =>
      parsePoll(await (await get(`poll?${query({ since })}`, signal)).json()),
    health: async (signal) => parseHealth(await (await get("health", signal)).json()),
    frames: async (keys, stride, signal) => {
      const path = `frames?${query({ keys: keys.join(","), stride: `${stride}` })}`;
      return decodeFrames(await (await get(path, signal)).arrayBuffer());
    },
    exportUrl: (keys, format) => `${base}export?${query({ keys: keys.join(","), format })}`,
  };
}

async function sentenceOf(response: Response): Promise<string> {
  const type = response.headers.get("content-type") ?? "";
  const text = type.startsWith("text/plain") ? (await response.text()).trim() : "";
  return text.slice(0, 400) || `TensorBoard answered ${response.status} ${response.statusText}.`;
}
