const PLUGIN = "loss_slicer";
const PREFIX = `p.${PLUGIN}.`;

/** Our keys in the hash of TensorBoard's window: `#loss_slicer&p.loss_slicer.step=500`. */
export function readHash(hash: string): Map<string, string> {
  const keys = new Map<string, string>();
  for (const part of hash.replace(/^#/, "").split("&")) {
    const cut = part.indexOf("=");
    if (cut < 0 || !part.startsWith(PREFIX)) continue;
    try {
      keys.set(part.slice(PREFIX.length, cut), decodeURIComponent(part.slice(cut + 1)));
    } catch {
      // A damaged escape: this key is ignored, the others count.
    }
  }
  return keys;
}

/** The hash with our keys replaced and everybody else's left as they are. */
export function writeHash(hash: string, keys: ReadonlyMap<string, string>): string {
  const others = hash
    .replace(/^#/, "")
    .split("&")
    .filter((part) => part !== "" && !part.startsWith(PREFIX));
  const own = [...keys].map(([key, value]) => `${PREFIX}${key}=${encodeURIComponent(value)}`);
  return `#${[...others, ...own].join("&")}`;
}

/** Whether a hash names our tab, or none: another tab's hash says nothing about our state. */
export function isOurTab(hash: string): boolean {
  const tab = hash.replace(/^#/, "").split("&")[0] ?? "";
  return tab === "" || tab === PLUGIN || tab.includes("=");
}
