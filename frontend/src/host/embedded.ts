import { createStandaloneHost } from "./standalone";
import { Value, type Host } from "./host";

/** A file that holds its slices: its own address wins over the link that it was made with. */
export function createEmbeddedHost(
  written: ReadonlyMap<string, string>,
  runs: readonly string[],
): Host {
  const window = createStandaloneHost();
  const own = window.link.get();
  const link = new Value(own.size > 0 ? own : written);
  window.link.subscribe(() => link.set(window.link.get()));
  return {
    ...window,
    runs: new Value(runs),
    link,
    writeLink: (keys) => {
      try {
        window.writeLink(keys);
      } catch {
        // The document of a notebook's frame has no address that could be written to.
      }
    },
  };
}
