import type { Origin } from "../data/failure";

/** What went wrong, as far as the page knows. */
export interface Failure {
  readonly message: string;
  readonly origin: Origin | null;
  /** The slice that failed. */
  readonly slice?: string;
  /** Where and when, for what no request caused. */
  readonly where?: string;
  readonly time?: number;
}

interface Surroundings {
  readonly version: string;
  readonly userAgent: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What a bug report needs, one fact a line. */
export function failureDetails(failure: Failure, around: Surroundings): string {
  const { message, origin, slice, where, time } = failure;
  const facts: [string, string | undefined][] = [
    ["message", message],
    ["where", where],
    ["slice", slice],
    ["request", origin ? `${origin.request}` : undefined],
    ["address", origin?.url],
    ["time", new Date(origin?.time ?? time ?? around.now).toISOString()],
    ["page", `pysclice ${around.version}`],
    ["browser", around.userAgent],
  ];
  return facts.flatMap(([name, fact]) => (fact ? [`${name}: ${fact}`] : [])).join("\n");
}
