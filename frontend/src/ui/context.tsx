import { createContext, use } from "react";
import { useStore } from "zustand";
import type { Client } from "../api/client";
import type { FieldStore } from "../data/fieldStore";
import type { FrameLoader } from "../data/frameLoader";
import type { Host } from "../host/host";
import type { State, Store } from "../state/store";

/** What all of the page shares. */
export interface Services {
  readonly host: Host;
  readonly client: Client;
  readonly store: Store;
  readonly fields: FieldStore;
  readonly loader: FrameLoader;
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = use(ServicesContext);
  if (!services) throw new Error("Components live inside a ServicesContext.");
  return services;
}

export function useAppState<T>(selector: (state: State) => T): T {
  return useStore(useServices().store, selector);
}

export const DarkContext = createContext(false);

export function useDark(): boolean {
  return use(DarkContext);
}
