import { originOf } from "./failure";
import { fieldKey, type Entry, type FieldStore } from "./fieldStore";

/** A slice that a panel wants to draw. */
export interface Wish {
  readonly key: string;
  readonly stride: number;
}

type Fetch = (
  keys: readonly string[],
  stride: number,
  signal: AbortSignal,
) => Promise<Map<string, Entry>>;

const BATCH = 64;
// What is on screen is painted before what is fetched ahead is decoded.
const PAINT_MS = 50;
const PARALLEL = 2;

interface Batch {
  readonly wishes: readonly Wish[];
  readonly abort: AbortController;
}

/**
 * Fetches what is wished for, most urgent first, in batches; what nobody wishes for any more is
 * canceled. The first wishes travel alone, so that the screen fills before the neighborhood does.
 */
export class FrameLoader {
  private wishes: readonly Wish[] = [];
  private urgent = 0;
  private paused = false;
  private readonly flying = new Set<Batch>();

  constructor(
    private readonly fetch: Fetch,
    private readonly store: FieldStore,
  ) {}

  /** Replace all wishes; the first `urgent` ones are on screen now. */
  want(wishes: readonly Wish[], urgent: number): void {
    this.wishes = wishes;
    this.urgent = urgent;
    this.store.pin(new Set(wishes.slice(0, urgent).map((wish) => fieldKey(wish.key, wish.stride))));
    if (this.flying.size > 0) this.cancelUnwanted();
    this.pump();
  }

  /** A hidden page asks for nothing, and no longer waits for what it asked for. */
  setPaused(paused: boolean): void {
    this.paused = paused;
    if (paused) for (const batch of this.flying) this.cancel(batch);
    this.pump();
  }

  retry(): void {
    this.store.forgetErrors();
    this.pump();
  }

  private cancelUnwanted(): void {
    const wanted = new Set(this.wishes.map((wish) => fieldKey(wish.key, wish.stride)));
    for (const batch of [...this.flying]) {
      if (!batch.wishes.some((wish) => wanted.has(fieldKey(wish.key, wish.stride)))) {
        this.cancel(batch);
      }
    }
  }

  private cancel(batch: Batch): void {
    this.flying.delete(batch);
    batch.abort.abort();
  }

  private pump(): void {
    while (!this.paused && this.flying.size < PARALLEL) {
      const batch = this.nextBatch();
      if (batch.length === 0) return;
      void this.load(batch);
    }
  }

  private nextBatch(): Wish[] {
    const flying = new Set<string>();
    for (const { wishes } of this.flying) {
      for (const wish of wishes) flying.add(fieldKey(wish.key, wish.stride));
    }
    const batch: Wish[] = [];
    const taken = new Set<string>();
    // What is on screen comes alone: nothing else takes the server's and the page's time from it.
    let awaited = false;
    for (const [place, wish] of this.wishes.entries()) {
      if (place >= this.urgent && awaited) break;
      const key = fieldKey(wish.key, wish.stride);
      if (place < this.urgent && flying.has(key)) awaited = true;
      if (flying.has(key) || taken.has(key) || this.store.has(key)) continue;
      if (batch[0] && batch[0].stride !== wish.stride) continue;
      batch.push(wish);
      taken.add(key);
      awaited ||= place < this.urgent;
      if (batch.length === BATCH) break;
    }
    return batch;
  }

  private async load(wishes: readonly Wish[]): Promise<void> {
    const batch = { wishes, abort: new AbortController() };
    this.flying.add(batch);
    const stride = wishes[0]?.stride ?? 1;
    const keys = wishes.map((wish) => wish.key);
    try {
      const frames = await this.fetch(keys, stride, batch.abort.signal);
      this.flying.delete(batch);
      this.store.put(
        keys.map((key) => [
          fieldKey(key, stride),
          frames.get(key) ?? { error: "TensorBoard left this slice out of its answer." },
        ]),
      );
    } catch (error) {
      this.flying.delete(batch);
      if (batch.abort.signal.aborted) return;
      const message = error instanceof Error ? error.message : "This slice could not be fetched.";
      const origin = originOf(error);
      const entry = { error: message, ...(origin && { origin }) };
      this.store.put(keys.map((key) => [fieldKey(key, stride), entry]));
    }
    const shown = this.wishes.slice(0, this.urgent);
    const arrived = shown.every(({ key, stride: own }) => this.store.has(fieldKey(key, own)));
    const wasAwaited = shown.some(({ key }) => keys.includes(key));
    if (arrived && wasAwaited) setTimeout(() => this.pump(), PAINT_MS);
    else this.pump();
  }
}
