import { useCallback } from "react";
import type { ViewChoices } from "../../state/viewChoices";
import { useAppState, useServices } from "../../ui/context";

/** A choice that belongs to a view and to the deep link, and how to change it. */
export function useChoice<K extends keyof ViewChoices>(
  name: K,
): readonly [ViewChoices[K], (value: ViewChoices[K]) => void] {
  const { store } = useServices();
  const value = useAppState((state) => state[name]);
  const choose = useCallback(
    (next: ViewChoices[K]) => {
      store.setState({ [name]: next });
    },
    [store, name],
  );
  return [value, choose];
}
