import { useState } from "react";
import { copyText } from "../ui/clipboard";

const SNIPPET = `import pysclice as ps

surface = ps.LossSurface(model, loss_fn, (inputs, targets))
with ps.SliceLogger("runs/first", surface, every=500) as logger:
    for step in range(10_000):
        ...  # your training step
        logger.log_if_due(step)`;

/** The first thing a new user sees: what to write so that there is something to see. */
export function EmptyLog({ malformed }: { readonly malformed: number }) {
  const [copied, setCopied] = useState("Copy");
  return (
    <main className="centered" data-testid="empty-log">
      <h1>No slices in this log directory yet</h1>
      <p className="muted">
        A slice is the loss along a direction, or on a plane, through your model’s parameters. Add a
        logger to your training loop; its slices appear here while the model trains.
      </p>
      <figure className="snippet">
        <pre>
          <code>{SNIPPET}</code>
        </pre>
        <button
          type="button"
          className="button"
          onClick={() => {
            void copyText(SNIPPET).then((done) => setCopied(done ? "Copied" : "Select and copy"));
          }}
        >
          {copied}
        </button>
      </figure>
      <p className="muted">
        This page looks for new slices every few seconds; leave it open.
        {malformed > 0 && ` ${malformed} events carry our name but are no slices.`}
      </p>
    </main>
  );
}
