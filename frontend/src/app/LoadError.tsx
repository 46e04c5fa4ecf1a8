import { originOf } from "../data/failure";
import { CopyDetails, RequestId } from "./CopyDetails";

interface LoadErrorProps {
  readonly error: Error;
  readonly onRetry: () => void;
}

export function LoadError({ error, onRetry }: LoadErrorProps) {
  const failure = { message: error.message, origin: originOf(error) };
  return (
    <main className="centered" data-testid="load-error">
      <h1>The slices could not be loaded</h1>
      <p className="muted" role="alert">
        {error.message}
        <RequestId failure={failure} />
      </p>
      <div className="offers">
        <button type="button" className="button button-primary" onClick={onRetry}>
          Retry
        </button>
        <CopyDetails failure={failure} />
      </div>
    </main>
  );
}
