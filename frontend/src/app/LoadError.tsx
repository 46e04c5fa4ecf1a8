interface LoadErrorProps {
  readonly error: Error;
  readonly onRetry: () => void;
}

export function LoadError({ error, onRetry }: LoadErrorProps) {
  return (
    <div className="centered" role="alert" data-testid="load-error">
      <h1>The slices could not be loaded</h1>
      <p className="muted">{error.message}</p>
      <button type="button" className="button button-primary" onClick={onRetry}>
        Retry
      </button>
    </div>
  );
}
