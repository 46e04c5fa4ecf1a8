import { useEffect, useState } from "react";
import { formatStep } from "../plot/format";
import type { Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";

const QUIET_MS = 500;
const NOTICE_MS = 5000;

/** Says aloud what the eye would see change: the step, and the value under a keyboard cursor. */
export function LiveRegion({ selection }: { readonly selection: Selection }) {
  const step = useAppState((state) => state.step);
  const playing = useAppState((state) => state.playing);
  const cursor = useAppState((state) => state.cursor);
  const [sentence, setSentence] = useState("");
  useEffect(() => {
    if (playing || step === null) return undefined;
    const timer = setTimeout(() => {
      const said = cursor?.byKeyboard ? readouts() : [];
      setSentence(said.length > 0 ? said.join("; ") : `Step ${formatStep(step)}`);
    }, QUIET_MS);
    return () => clearTimeout(timer);
  }, [step, playing, cursor, selection]);
  return (
    <div className="visually-hidden" aria-live="polite" data-testid="live-region">
      {sentence}
    </div>
  );
}

/** What stands at the cursor; where several panels show it, with the run of each. */
function readouts(): string[] {
  const found = [...document.querySelectorAll("[data-testid=cursor-readout]")];
  return found.map((readout) => {
    const run = found.length > 1 ? readout.closest("[data-run]")?.getAttribute("data-run") : "";
    return run ? `${run}: ${readout.textContent}` : readout.textContent;
  });
}

/** A sentence at the bottom of the page that goes away by itself. */
export function Notice() {
  const { store } = useServices();
  const notice = useAppState((state) => state.notice);
  useEffect(() => {
    if (notice === null) return undefined;
    const timer = setTimeout(() => store.setState({ notice: null }), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice, store]);
  // The region stays: one that comes together with its sentence may not be read out.
  return (
    <div role="status" className="notice-place">
      {notice !== null && <p className="notice">{notice}</p>}
    </div>
  );
}
