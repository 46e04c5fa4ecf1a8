import type { Host } from "../host/host";
import type { Store } from "../state/store";
import { copyText } from "../ui/clipboard";

/** Puts the address of what is seen into the clipboard, and says so. */
export async function copyLink(host: Host, store: Store): Promise<void> {
  const done = await copyText(host.address());
  store.setState({
    notice: done
      ? "The link to this view is in the clipboard."
      : "The browser refused its clipboard; copy the address bar instead.",
  });
}
