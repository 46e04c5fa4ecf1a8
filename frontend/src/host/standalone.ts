import { observeSystemDark, observeVisibility } from "./browser";
import { readHash, writeHash } from "./hash";
import { sameMap, Value, type Host } from "./host";

/** A window of our own: during development, in tests, or where TensorBoard cannot be reached. */
export function createStandaloneHost(): Host {
  const link = new Value<ReadonlyMap<string, string>>(readHash(window.location.hash), sameMap);
  window.addEventListener("hashchange", () => link.set(readHash(window.location.hash)));
  return {
    runs: new Value<readonly string[]>([]),
    dark: observeSystemDark(window),
    visible: observeVisibility(window),
    link,
    writeLink: (keys) => {
      // An absolute address, since a bare "#..." would be resolved against <base>.
      const url = new URL(window.location.href);
      url.hash = writeHash(url.hash, keys);
      window.history.replaceState(window.history.state, "", url.href);
    },
    address: () => window.location.href,
    onReload: () => () => undefined,
    restart: () => window.location.reload(),
  };
}
