import { useState } from "react";
import { copyText } from "../ui/clipboard";
import { PAGE_VERSION } from "../version";
import { failureDetails, type Failure } from "./failureDetails";

/** Copies what a bug report needs; where the browser refuses, it shows the text selected. */
export function CopyDetails({ failure }: { readonly failure: Failure }) {
  const [copied, setCopied] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  const copy = async () => {
    const around = { version: PAGE_VERSION, userAgent: navigator.userAgent, now: Date.now() };
    const text = failureDetails(failure, around);
    const done = await copyText(text);
    setCopied(done);
    setRefused(done ? null : text);
  };
  return (
    <>
      <button
        type="button"
        className="button"
        data-testid="copy-details"
        onClick={() => void copy()}
      >
        {copied ? "Copied" : "Copy details"}
      </button>
      {refused !== null && (
        <label className="failure-details">
          The browser refused to copy; copy it from here.
          <textarea
            readOnly
            rows={5}
            value={refused}
            ref={(box) => {
              box?.focus();
              box?.select();
            }}
          />
        </label>
      )}
    </>
  );
}

/** What to name when asking about a failure. */
export function RequestId({ failure: { origin } }: { readonly failure: Failure }) {
  return origin && <span className="request-id"> (request {origin.request})</span>;
}
