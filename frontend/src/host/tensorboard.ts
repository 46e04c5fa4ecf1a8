import { observeSystemDark, observeVisibility } from "./browser";
import { isOurTab, readHash, writeHash } from "./hash";
import { sameList, sameMap, Value, type Host, type Observable } from "./host";
import { Ipc } from "./ipc";

/**
 * TensorBoard's iframe. Runs and reloads come through its message channel; the deep link and the
 * dark mode do not, so they are read from the parent window, which is of the same origin. Every
 * such access is guarded: where it fails, the page works without.
 */
export function createTensorBoardHost(parent: Window): Host {
  const ipc = new Ipc(parent);
  const runs = new Value<readonly string[]>([], sameList);
  const takeRuns = (payload: unknown) => runs.set(runNames(payload));
  const askForRuns = () => void ipc.request("experimental.GetRuns").then(takeRuns, () => undefined);
  ipc.on("experimental.RunsChanged", takeRuns);
  const reloads = new Set<() => void>();
  ipc.on("experimental.DataReloaded", () => {
    askForRuns();
    for (const listener of [...reloads]) listener();
  });
  askForRuns();

  const link = observeLink(parent);
  return {
    runs,
    dark: observeDark(parent),
    visible: observeVisibility(window),
    link,
    writeLink: (keys) => {
      guarded(() => {
        if (!isOurTab(parent.location.hash)) return;
        const url = new URL(parent.location.href);
        url.hash = writeHash(url.hash, keys);
        parent.history.replaceState(parent.history.state, "", url.href);
        link.set(new Map(keys));
      }, undefined);
    },
    address: () => guarded(() => parent.location.href, window.location.href),
    onReload: (listener) => {
      reloads.add(listener);
      return () => void reloads.delete(listener);
    },
    // The frame alone: its document imports index.js, and the link in the parent's hash stays.
    restart: () => window.location.reload(),
  };
}

function observeLink(parent: Window): Value<ReadonlyMap<string, string>> {
  const read = () => guarded(() => readHash(parent.location.hash), new Map<string, string>());
  const link = new Value<ReadonlyMap<string, string>>(read(), sameMap);
  guarded(() => {
    parent.addEventListener("hashchange", () => {
      if (guarded(() => isOurTab(parent.location.hash), false)) link.set(read());
    });
  }, undefined);
  return link;
}

// The iframe is told nothing about the theme, but the parent's body says it with a class.
function observeDark(parent: Window): Observable<boolean> {
  return guarded<Observable<boolean>>(() => {
    const body = parent.document.body;
    const dark = new Value(body.classList.contains("dark-mode"));
    const observer = new MutationObserver(() => dark.set(body.classList.contains("dark-mode")));
    observer.observe(body, { attributes: true, attributeFilter: ["class"] });
    return dark;
  }, observeSystemDark(window));
}

function runNames(payload: unknown): string[] {
  if (!Array.isArray(payload)) return [];
  return payload.filter((name): name is string => typeof name === "string");
}

function guarded<T>(attempt: () => T, otherwise: T): T {
  try {
    return attempt();
  } catch {
    return otherwise;
  }
}
