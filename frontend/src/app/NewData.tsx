import { useEffect, useRef } from "react";
import type { Catalog } from "../data/catalog";
import { ago, hasNewSlices } from "../data/freshness";
import { seek } from "../state/actions";
import type { Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { useNow } from "./useNow";
import { useStep } from "./useSelection";

const SECOND = 1000;
const SHOWN_MS = 5 * 60 * SECOND;

/** Notes when a catalog brought slices that the one before did not have. */
export function useNoteNewData(catalog: Catalog): void {
  const { store } = useServices();
  const before = useRef(catalog);
  useEffect(() => {
    if (hasNewSlices(before.current, catalog)) store.setState({ newDataAt: Date.now() });
    before.current = catalog;
  }, [catalog, store]);
}

/** Says that newer steps than the one shown have come, until one goes there or it is old news. */
export function NewData({ selection }: { readonly selection: Selection }) {
  const { store } = useServices();
  const since = useAppState((state) => state.newDataAt);
  const latest = selection.steps.at(-1) ?? 0;
  const caughtUp = useStep(selection) >= latest;
  useEffect(() => {
    if (caughtUp) store.setState({ newDataAt: null });
  }, [caughtUp, since, store]);
  if (since === null || caughtUp) return null;
  return <Dot since={since} onClick={() => seek(store, selection.steps, latest)} />;
}

function Dot({ since, onClick }: { readonly since: number; readonly onClick: () => void }) {
  const { store } = useServices();
  const age = Math.max(useNow(SECOND) - since, 0);
  const old = age > SHOWN_MS;
  useEffect(() => {
    if (old) store.setState({ newDataAt: null });
  }, [old, store]);
  return (
    <button
      type="button"
      className="new-data"
      data-testid="new-data"
      title="Go to the newest step"
      onClick={onClick}
    >
      <span className="new-data-dot" />
      new data, {ago(age / SECOND)}
    </button>
  );
}
