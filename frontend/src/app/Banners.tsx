import { useState } from "react";
import type { Health } from "../api/schema";
import { quoted } from "../plot/format";
import { PAGE_VERSION } from "../version";
import { useServices } from "../ui/context";
import { IconButton } from "../ui/IconButton";

export interface Banner {
  readonly id: string;
  readonly text: string;
  readonly details: readonly string[];
  /** Whether loading the page anew helps. */
  readonly restart?: boolean;
}

/** What is not as it should be, in the order of its weight. */
export function bannersFor(
  health: Health | undefined,
  failure: Error | null,
  served: string,
): Banner[] {
  const banners: Banner[] = [];
  if (served !== "" && served !== PAGE_VERSION) {
    const text = `TensorBoard now serves pysclice ${served}, this page is ${PAGE_VERSION}: reload the page.`;
    banners.push({ id: "version", text, details: [], restart: true });
  }
  if (failure) {
    const text = `New slices cannot be loaded: ${failure.message} What is shown may be out of date.`;
    banners.push({ id: "stale", text, details: [] });
  }
  if (!health) return banners;
  if (health.retention !== "all") {
    banners.push({
      id: "retention",
      text:
        `TensorBoard was told to keep only ${health.retention} events of each tag, so logged steps may be missing. ` +
        "Start it without --samples_per_plugin for loss_slicer to see all of them.",
      details: [],
    });
  }
  if (health.newer > 0) {
    banners.push({
      id: "newer",
      text:
        `${counted(health.newer, "slice was", "slices were")} written by a newer pysclice and cannot be shown. ` +
        "Upgrade pysclice where TensorBoard runs.",
      details: [],
    });
  }
  if (health.malformed.length > 0) {
    banners.push({
      id: "malformed",
      text: `${counted(health.malformed.length, "event carries", "events carry")} our name but cannot be read.`,
      details: health.malformed.map(
        ({ run, tag, reason }) => `${quoted(run)}: ${quoted(tag)}: ${reason}`,
      ),
    });
  }
  return banners;
}

export function Banners({ banners }: { readonly banners: readonly Banner[] }) {
  const { host } = useServices();
  const [dismissed, setDismissed] = useState<readonly string[]>([]);
  return banners
    .filter(({ text }) => !dismissed.includes(text))
    .map(({ id, text, details, restart }) => (
      <div key={id} className="banner" role="status" data-testid={`banner-${id}`}>
        <div className="banner-text">
          <p>{text}</p>
          {details.length > 0 && (
            <details>
              <summary>Which ones</summary>
              <ul>
                {details.map((detail) => (
                  <li key={detail}>{detail}</li>
                ))}
              </ul>
            </details>
          )}
        </div>
        {restart && (
          <button type="button" className="button" onClick={() => host.restart()}>
            Reload
          </button>
        )}
        <IconButton
          icon="close"
          label="Dismiss"
          onClick={() => setDismissed([...dismissed, text])}
        />
      </div>
    ));
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
