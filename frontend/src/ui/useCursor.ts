import { useCallback } from "react";
import type { Cursor } from "../state/store";
import { useAppState, useServices } from "./context";

/** The point of the data that is looked at, shared by all panels. */
export function useCursor(): [Cursor | null, (cursor: Cursor | null) => void] {
  const { store } = useServices();
  const cursor = useAppState((state) => state.cursor);
  const setCursor = useCallback(
    (next: Cursor | null) => {
      const old = store.getState().cursor;
      const same =
        old === next ||
        (old && next && old.x === next.x && old.y === next.y && old.line === next.line);
      if (!same) store.setState({ cursor: next });
    },
    [store],
  );
  return [cursor, setCursor];
}
