import { QueryClient } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { shallow } from "zustand/shallow";
import type { Client } from "../api/client";
import type { Catalog } from "../data/catalog";
import { FieldStore } from "../data/fieldStore";
import { FrameLoader } from "../data/frameLoader";
import type { Host } from "../host/host";
import { keepLinkInStep } from "../state/link";
import { prefsOf, readPrefs, writePrefs } from "../state/prefs";
import { createAppStore } from "../state/store";
import { readChoices } from "../state/url";
import { adoptStyles } from "../styles/styles";
import { App } from "./App";
import { wishForFirst } from "./firstWishes";
import { catalogQuery } from "./useCatalog";

// As in chrome.css.
const BESIDE = 900;

/** Puts the parts together and the page into an element; a catalog may be on its way already. */
export function start(
  element: HTMLElement,
  host: Host,
  client: Client,
  asked?: Promise<Catalog>,
): void {
  adoptStyles();
  const store = createAppStore({
    ...readPrefs(),
    // Where rail and inspector would cover the panels, they wait to be called.
    ...(window.innerWidth > 0 &&
      window.innerWidth < BESIDE && { railOpen: false, inspectorOpen: false }),
    ...readChoices(host.link.get()),
  });
  const fields = new FieldStore();
  const loader = new FrameLoader(
    (keys, stride, signal) => client.frames(keys, stride, signal),
    fields,
  );
  keepLinkInStep(host, store);
  store.subscribe(prefsOf, (prefs, before) => writePrefs(prefs, before), { equalityFn: shallow });
  const queries = new QueryClient({
    defaultOptions: {
      // A server on the same machine: the browser's idea of being online says nothing about it.
      queries: { networkMode: "always", retry: 1, retryDelay: 500, refetchOnWindowFocus: false },
    },
  });
  const services = { host, client, store, fields, loader };
  const first = asked?.then((catalog) => {
    wishForFirst(catalog, services);
    return catalog;
  });
  if (first) {
    queries.query({ ...catalogQuery(client), queryFn: () => first }).catch(() => undefined);
  }
  createRoot(element).render(
    <StrictMode>
      <App services={services} queries={queries} />
    </StrictMode>,
  );
}
