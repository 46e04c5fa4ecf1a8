import type { Host } from "../host/host";
import type { Choices, Store } from "./store";
import { readChoices, writeChoices } from "./url";

const WRITE_MS = 250;

/** Writes choices into the deep link as they change, and follows a link that changes outside. */
export function keepLinkInStep(host: Pick<Host, "link" | "writeLink">, store: Store): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let written = linkText(writeChoices(store.getState()));
  store.subscribe(
    (state) => linkText(writeChoices(state)),
    () => {
      // The first change waits and those after it go along: dragging writes four times a second.
      timer ??= setTimeout(() => {
        timer = undefined;
        const link = writeChoices(store.getState());
        written = linkText(link);
        host.writeLink(link);
      }, WRITE_MS);
    },
  );
  host.link.subscribe(() => {
    const link = host.link.get();
    // A link without any key of ours comes from a click on our tab, not from somebody's wish.
    if (link.size === 0) {
      host.writeLink(writeChoices(store.getState()));
      return;
    }
    if (linkText(link) === written) return;
    written = linkText(link);
    const choices: Choices = readChoices(link);
    // A link without a step means the newest one to whoever opens it, but not to who is here.
    const step = choices.step ?? store.getState().step;
    store.setState({ ...choices, step });
  });
}

function linkText(link: ReadonlyMap<string, string>): string {
  return [...link].map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&");
}
