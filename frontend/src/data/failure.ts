/** Which of the page's own requests something came from. */
export interface Origin {
  /** Counted from 1 since the page was loaded. */
  readonly request: number;
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** A request that failed, or an answer that made no sense. */
export class RequestError extends Error {
  override readonly name: string = "RequestError";
  constructor(
    message: string,
    readonly origin: Origin,
  ) {
    super(message);
  }
}

export function originOf(error: unknown): Origin | null {
  return error instanceof RequestError ? error.origin : null;
}
