import type { Catalog } from "../data/catalog";
import { RequestError, type Origin } from "../data/failure";
import { decodeFrames, type Frame } from "./frames";
import { type Health, parseCatalog, parseHealth, parsePoll } from "./schema";

/** The server answered, and what it answered was no. */
export class HttpError extends RequestError {
  override readonly name = "HttpError";
  constructor(
    readonly status: number,
    message: string,
    origin: Origin,
  ) {
    super(message, origin);
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
  /** A file of slices; values in one of the formats that there are. */
  file(ask: FileRequest, signal?: AbortSignal): Promise<Blob>;
  readonly formats: readonly ValueFormat[];
  /** Whether there is a server at all: a page that is a file itself has none. */
  readonly hasServer: boolean;
}

export type ValueFormat = "csv" | "npz";

/** Slices as values, or whole series with the page that shows them. */
export type FileRequest =
  | { readonly format: ValueFormat; readonly keys: readonly string[] }
  | { readonly format: ValueFormat; readonly series: string }
  | {
      readonly format: "html";
      readonly series: readonly string[];
      readonly every: number;
      readonly link: ReadonlyMap<string, string>;
      readonly title: string;
    };

export function createClient(base = "./"): Client {
  let requests = 0;
  const ask = async <T>(
    path: string,
    signal: AbortSignal | undefined,
    read: (response: Response, origin: Origin) => Promise<T>,
  ): Promise<T> => {
    requests += 1;
    const url = new URL(base + path, document.baseURI).href;
    const origin: Origin = { request: requests, url, time: Date.now() };
    let response: Response;
    try {
      response = await fetch(base + path, signal ? { signal } : {});
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new RequestError("TensorBoard cannot be reached. Is it still running?", origin);
    }
    if (!response.ok) throw new HttpError(response.status, await sentenceOf(response), origin);
    try {
      return await read(response, origin);
    } catch (error) {
      if (signal?.aborted || !(error instanceof Error)) throw error;
      throw new RequestError(error.message, origin);
    }
  };
  const query = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString();
  return {
    index: (signal) => ask("index", signal, async (got) => parseCatalog(await got.json())),
    poll: (since, signal) =>
      ask(`poll?${query({ since })}`, signal, async (got) => parsePoll(await got.json())),
    health: (signal) => ask("health", signal, async (got) => parseHealth(await got.json())),
    frames: (keys, stride, signal) => {
      const path = `frames?${query({ keys: keys.join(","), stride: `${stride}` })}`;
      return ask(path, signal, async (got, origin) => {
        const frames = decodeFrames(await got.arrayBuffer());
        return new Map([...frames].map(([key, frame]) => [key, withOrigin(frame, origin)]));
      });
    },
    file: (request, signal) => ask(addressOf(request), signal, (got) => got.blob()),
    formats: ["csv", "npz"],
    hasServer: true,
  };
}

function addressOf(request: FileRequest): string {
  const query = new URLSearchParams();
  if (request.format === "html") {
    for (const id of request.series) query.append("series", id);
    for (const [key, value] of request.link) query.set(`link.${key}`, value);
    query.set("every", `${request.every}`);
    query.set("title", request.title);
    return `page?${query.toString()}`;
  }
  query.set("format", request.format);
  if ("series" in request) query.set("series", request.series);
  else query.set("keys", request.keys.join(","));
  return `export?${query.toString()}`;
}

function withOrigin(frame: Frame, origin: Origin): Frame {
  return "error" in frame ? { ...frame, origin } : frame;
}

async function sentenceOf(response: Response): Promise<string> {
  const type = response.headers.get("content-type") ?? "";
  const text = type.startsWith("text/plain") ? (await response.text()).trim() : "";
  return text.slice(0, 400) || `TensorBoard answered ${response.status} ${response.statusText}.`;
}
