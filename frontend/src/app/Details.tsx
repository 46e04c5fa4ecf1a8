import type { Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { FocusRecord } from "./FocusRecord";

/** The record of the run in focus below the list of runs; while the inspector shows it, nothing. */
export function Details({ selection }: { readonly selection: Selection }) {
  const { store } = useServices();
  const open = useAppState((state) => state.detailsOpen);
  const inspected = useAppState((state) => state.inspectorOpen);
  if (inspected) return null;
  return (
    <details
      className="details"
      open={open}
      onToggle={(event) => store.setState({ detailsOpen: event.currentTarget.open })}
    >
      <summary>Details</summary>
      <FocusRecord selection={selection} />
    </details>
  );
}
