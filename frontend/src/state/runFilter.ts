export type RunFilter =
  | { readonly matches: (name: string) => boolean; readonly error: null }
  | { readonly matches: (name: string) => boolean; readonly error: string };

/** A regular expression over run names; one that cannot be read lets every run through. */
export function compileFilter(pattern: string): RunFilter {
  if (pattern === "") return { matches: () => true, error: null };
  try {
    const expression = new RegExp(pattern, "i");
    return { matches: (name) => expression.test(name), error: null };
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^Invalid regular expression: /, "") : "";
    return { matches: () => true, error: `Not a regular expression: ${reason}` };
  }
}
