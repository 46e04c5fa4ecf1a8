import type { Origin } from "./failure";
import { byteSize, type Slice } from "./slice";

export type Entry =
  { readonly slice: Slice } | { readonly error: string; readonly origin?: Origin };

/** Slices by key, the least recently used forgotten first once they outgrow the budget. */
export class FieldStore {
  private readonly entries = new Map<string, Entry>();
  private readonly listeners = new Set<() => void>();
  private bytes = 0;
  private revision = 0;
  private pinned: ReadonlySet<string> = new Set();

  constructor(private readonly budget = 80 * 2 ** 20) {}

  /** Slices that are on screen: they stay, whatever the budget. */
  pin(keys: ReadonlySet<string>): void {
    this.pinned = keys;
  }

  get(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    if (entry) {
      // A Map keeps the order of insertion: what was read last goes to the end.
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return entry;
  }

  has(key: string): boolean {
    return this.entries.has(key);
  }

  put(added: Iterable<readonly [string, Entry]>): void {
    for (const [key, entry] of added) {
      this.forget(key);
      this.entries.set(key, entry);
      this.bytes += sizeOf(entry);
    }
    for (const key of this.entries.keys()) {
      if (this.bytes <= this.budget || this.entries.size <= 1) break;
      if (!this.pinned.has(key)) this.forget(key);
    }
    this.notify();
  }

  /** Forget what failed, so that it is asked for again. */
  forgetErrors(): void {
    for (const [key, entry] of this.entries) if ("error" in entry) this.forget(key);
    this.notify();
  }

  get usedBytes(): number {
    return this.bytes;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  readonly version = (): number => this.revision;

  private forget(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.bytes -= sizeOf(entry);
    this.entries.delete(key);
  }

  private notify(): void {
    this.revision += 1;
    for (const listener of [...this.listeners]) listener();
  }
}

function sizeOf(entry: Entry): number {
  return "slice" in entry ? byteSize(entry.slice) : 256;
}

/** Where a slice at a stride is kept. */
export function fieldKey(key: string, stride: number): string {
  return `${key}/${stride}`;
}
