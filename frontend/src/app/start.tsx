import { QueryClient } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { shallow } from "zustand/shallow";
import { createClient, type Client } from "../api/client";
import { FieldStore } from "../data/fieldStore";
import { FrameLoader } from "../data/frameLoader";
import { detectHost } from "../host/detect";
import type { Host } from "../host/host";
import { keepLinkInStep } from "../state/link";
import { readPrefs, writePrefs } from "../state/prefs";
import { createAppStore } from "../state/store";
import { readChoices } from "../state/url";
import { App } from "./App";
import { catalogQuery } from "./useCatalog";

// As in chrome.css.
const RAIL_BESIDE = 900;

/** Puts the parts together and the page into an element. */
export function start(
  element: HTMLElement,
  host: Host = detectHost(),
  client: Client = createClient(),
): void {
  const store = createAppStore({
    ...readPrefs(),
    // Where the rail would cover the panels, it waits to be called.
    ...(window.innerWidth > 0 && window.innerWidth < RAIL_BESIDE && { railOpen: false }),
    ...readChoices(host.link.get()),
  });
  const fields = new FieldStore();
  const loader = new FrameLoader(
    (keys, stride, signal) => client.frames(keys, stride, signal),
    fields,
  );
  keepLinkInStep(host, store);
  store.subscribe(
    ({ railOpen, detailsOpen, framesPerSecond, runOrder }) => ({
      railOpen,
      detailsOpen,
      framesPerSecond,
      runOrder,
    }),
    (prefs) => writePrefs(prefs),
    { equalityFn: shallow },
  );
  const queries = new QueryClient({
    defaultOptions: {
      // A server on the same machine: the browser's idea of being online says nothing about it.
      queries: { networkMode: "always", retry: 1, retryDelay: 500, refetchOnWindowFocus: false },
    },
  });
  // The answer comes while the page is being built.
  if (host.visible.get()) queries.query(catalogQuery(client)).catch(() => undefined);
  createRoot(element).render(
    <StrictMode>
      <App services={{ host, client, store, fields, loader }} queries={queries} />
    </StrictMode>,
  );
}
