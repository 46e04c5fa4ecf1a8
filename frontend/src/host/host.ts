/** What the page needs from wherever it lives: TensorBoard's iframe, or a window of its own. */
export interface Host {
  /** All run names in TensorBoard's own order, from which colors follow; empty where unknown. */
  readonly runs: Observable<readonly string[]>;
  readonly dark: Observable<boolean>;
  /** False while nobody can see the page: nothing is polled, played or drawn then. */
  readonly visible: Observable<boolean>;
  /** Our own keys of the deep link, without their prefix. */
  readonly link: Observable<ReadonlyMap<string, string>>;
  writeLink(keys: ReadonlyMap<string, string>): void;
  /** The address that brings somebody else here. */
  address(): string;
  /** Called when the user asked TensorBoard to load new data. */
  onReload(listener: () => void): () => void;
  /** Load the page itself anew. */
  restart(): void;
}

/** A value that changes over time, in the shape that React's useSyncExternalStore wants. */
export interface Observable<T> {
  readonly get: () => T;
  readonly subscribe: (listener: () => void) => () => void;
}

export class Value<T> implements Observable<T> {
  private readonly listeners = new Set<() => void>();

  constructor(
    private current: T,
    private readonly same: (a: T, b: T) => boolean = Object.is,
  ) {}

  readonly get = (): T => this.current;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  set(next: T): void {
    if (this.same(this.current, next)) return;
    this.current = next;
    for (const listener of [...this.listeners]) listener();
  }
}

export function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

export function sameMap(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
