/** A note that can be read in a line: its name and, in turn, what stands below it. */
export interface PlainNote {
  readonly name: string;
  readonly value: PlainValue;
}

export type PlainValue =
  | number
  | string
  | boolean
  | readonly number[]
  | readonly (readonly [name: string, value: PlainValue])[];

const LONGEST_TEXT = 300;
const LONGEST_LIST = 4;
const DEEPEST = 2;

/** The notes that are numbers, short texts, or a few of these under names; others stay unsaid. */
export function plainNotes(
  notes: ReadonlyMap<string, unknown>,
  without: ReadonlySet<string>,
): PlainNote[] {
  const result: PlainNote[] = [];
  for (const [name, note] of notes) {
    const value = without.has(name) ? null : plainValue(note, DEEPEST);
    if (value !== null) result.push({ name, value });
  }
  return result;
}

function plainValue(note: unknown, depth: number): PlainValue | null {
  if (typeof note === "number" || typeof note === "boolean") return note;
  if (typeof note === "string") {
    return note.length > 0 && note.length <= LONGEST_TEXT ? note : null;
  }
  if (Array.isArray(note)) {
    const numbers = note.filter((item): item is number => typeof item === "number");
    const few = note.length > 0 && note.length <= LONGEST_LIST;
    return few && numbers.length === note.length ? numbers : null;
  }
  if (typeof note !== "object" || note === null || depth === 0) return null;
  const below = Object.entries(note).flatMap(([name, item]) => {
    const value = plainValue(item, depth - 1);
    return value === null ? [] : [[name, value] as const];
  });
  return below.length > 0 ? below : null;
}

/** What stands under a name in a note. Notes are whatever somebody wrote: it may be nothing. */
export function property(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
