import { reply, type Reply, type Request, type TaskName, type Tasks } from "./protocol";

/** The part of a Worker that is used. */
export interface Port {
  postMessage(message: Request): void;
  onmessage: ((event: MessageEvent<Reply>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  terminate(): void;
}

interface Waiting {
  readonly request: Request;
  readonly settle: (reply: Reply) => void;
}

/** Few enough that the newest wish is soon its turn, enough that the worker never waits. */
const AHEAD = 2;

/**
 * Has tasks computed in a worker, the newest first: it is what is looked at. A task that was not
 * begun can be canceled. Where there is no worker, or it fails to load, the page computes itself.
 */
export class Deriver {
  private port: Port | null = null;
  private started = false;
  private next = 1;
  private readonly waiting: Waiting[] = [];
  private readonly begun = new Map<number, Waiting>();

  constructor(private readonly start: () => Port | null) {}

  ask<K extends TaskName>(
    task: K,
    asked: Tasks[K]["asked"],
    signal?: AbortSignal,
  ): Promise<Tasks[K]["answer"]> {
    return new Promise((resolve, reject) => {
      const request: Request<K> = { id: this.next++, task, asked };
      const settle = (got: Reply) => {
        if ("error" in got) reject(new Error(got.error));
        // The id is the request's own, so the answer is its task's.
        else resolve(got.answer);
      };
      const item: Waiting = { request, settle };
      signal?.addEventListener("abort", () => {
        const place = this.waiting.indexOf(item);
        if (place < 0) return;
        this.waiting.splice(place, 1);
        reject(new DOMException("Nobody waits for it any more.", "AbortError"));
      });
      this.waiting.push(item);
      this.pump();
    });
  }

  private pump(): void {
    this.open();
    while (this.begun.size < AHEAD) {
      const item = this.waiting.pop();
      if (!item) return;
      this.begun.set(item.request.id, item);
      if (this.port) this.port.postMessage(item.request);
      // In a task of its own: what is asked for while drawing is answered after it.
      else setTimeout(() => this.finish(reply(item.request).message));
    }
  }

  private open(): void {
    if (this.started) return;
    this.started = true;
    this.port = this.start();
    if (!this.port) return;
    this.port.onmessage = ({ data }) => this.finish(data);
    this.port.onerror = () => {
      this.port?.terminate();
      this.port = null;
      for (const { request } of [...this.begun.values()]) this.finish(reply(request).message);
    };
  }

  private finish(got: Reply): void {
    const item = this.begun.get(got.id);
    this.begun.delete(got.id);
    item?.settle(got);
    this.pump();
  }
}

/** The worker of this page, or nothing where a browser or a page without a server allows none. */
export function startWorker(): Port | null {
  try {
    return new Worker(new URL("./derive.worker.ts", import.meta.url), { type: "module" });
  } catch {
    return null;
  }
}
