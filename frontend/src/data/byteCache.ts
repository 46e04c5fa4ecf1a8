interface Kept<T> {
  readonly value: T;
  readonly bytes: number;
}

/** What was derived from arrays of values, the least recently used forgotten beyond a byte budget. */
export class ByteCache<T> {
  private readonly kept = new Map<string, Kept<T>>();
  private readonly names = new WeakMap<object, number>();
  private named = 0;
  private bytes = 0;

  constructor(
    private readonly budget: number,
    private readonly sizeOf: (value: T) => number,
  ) {}

  /** What was derived from this very object with these choices. */
  get(source: object, choices: string): T | undefined {
    const key = this.keyOf(source, choices);
    const found = this.kept.get(key);
    if (!found) return undefined;
    // A Map keeps the order of insertion: what was read last goes to the end.
    this.kept.delete(key);
    this.kept.set(key, found);
    return found.value;
  }

  put(source: object, choices: string, value: T): void {
    const key = this.keyOf(source, choices);
    this.forget(key);
    const bytes = this.sizeOf(value);
    this.kept.set(key, { value, bytes });
    this.bytes += bytes;
    for (const oldest of this.kept.keys()) {
      if (this.bytes <= this.budget || this.kept.size <= 1) break;
      this.forget(oldest);
    }
  }

  get usedBytes(): number {
    return this.bytes;
  }

  private keyOf(source: object, choices: string): string {
    const name = this.names.get(source) ?? this.named++;
    this.names.set(source, name);
    return `${name} ${choices}`;
  }

  private forget(key: string): void {
    this.bytes -= this.kept.get(key)?.bytes ?? 0;
    this.kept.delete(key);
  }
}
