import { useMemo, useState } from "react";
import { align } from "../../data/difference";
import { formatStep } from "../../plot/format";
import { baseOf, otherOf } from "../../state/base";
import type { Panel } from "../../state/panels";
import { useAppState, useServices } from "../../ui/context";
import { ElidedName } from "../../ui/ElidedName";
import { PicturesContext, type Picture } from "../../ui/plotRegistry";
import { ReadoutSlot } from "../../ui/readoutSlot";
import { useRunStyle } from "../../ui/useRunStyle";
import { Message, Offer, PanelMessage } from "../PanelMessage";
import { ValueTable } from "../ValueTable";
import { usePanelValues } from "../usePanelValues";
import { BaseBar } from "./BaseBar";
import type { ModeProps } from "./mode";
import { PictureMenu } from "./PictureMenu";
import { WipePlot } from "./WipePlot";

/** The base run left of a divider and another run right of it, in one picture. */
export function WipeMode({ panels, view, selection, step, usual, shown }: ModeProps) {
  const { store } = useServices();
  const base = baseOf(
    selection,
    useAppState((state) => state.baseRun),
  );
  const other = otherOf(selection, base);
  const both = useMemo(() => {
    const named = (name: string | undefined) =>
      panels.find((panel) => panel.placed.run.name === name);
    const [a, b] = [named(base?.run.name), named(other?.run.name)];
    return a && b ? [a, b] : [];
  }, [panels, base, other]);
  const { slices, value } = usePanelValues(both, selection, view, usual, shown);
  const [a, b] = slices;
  const aligned = useMemo(() => {
    const found = a && b && align(a, b);
    return found && "a" in found
      ? { a: { ...a, ...found.a }, b: { ...b, ...found.b }, resampled: found.resampled }
      : found;
  }, [a, b]);
  const [pictures] = useState(() => new Set<Picture>());
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const missing = both.find(({ content }) => content.state !== "ready") ?? both[0];
  const resampled = aligned && "a" in aligned ? aligned.resampled : null;
  const names = both.map(({ placed }) => placed.run.name);
  const title = names.join(" | ");
  const pending = both.some(({ content }) => content.state === "ready" && content.pending);
  const refused = aligned && "refused" in aligned ? aligned : null;
  return (
    <div className="mode">
      <BaseBar selection={selection} step={step} />
      <div className="panels mode-alone">
        <section
          className="panel"
          aria-label={`Wipe: ${title}`}
          data-testid="panel"
          data-run={names[1] ?? ""}
          data-base={names[0] ?? ""}
          data-state={refused ? "refused" : aligned && !pending ? "ready" : "pending"}
        >
          <header className="panel-head">
            {both[0] && <Side panel={both[0]} where="left" />}
            {both[1] && <Side panel={both[1]} where="right" />}
            <span className="panel-space" />
            <span className="panel-readout" ref={setSlot} />
            {aligned && !refused && (
              <PictureMenu
                label={`Menu of ${title}`}
                parts={[title, selection.channel ?? "", `step ${step}`]}
                caption={[
                  `${selection.channel ?? ""} at step ${formatStep(step)}: ${names[0] ?? ""} left, ${names[1] ?? ""} right`,
                  ...(resampled === null ? [] : [resampled]),
                ]}
                pictures={pictures}
                table={(close) => (
                  <ValueTable
                    slices={"a" in aligned ? [aligned.a, aligned.b] : []}
                    sentences={resampled === null ? [] : [resampled]}
                    onClose={close}
                  />
                )}
              />
            )}
          </header>
          <div className="panel-body">
            {refused ? (
              <Message
                title="Different directions: the two sides would show different places."
                detail={refused.why}
              >
                <Offer onClick={() => store.setState({ compare: "grid" })}>
                  Show the runs side by side
                </Offer>
              </Message>
            ) : aligned && "a" in aligned && value && view?.facet ? (
              <PicturesContext value={pictures}>
                <ReadoutSlot value={slot}>
                  <WipePlot a={aligned.a} b={aligned.b} value={value} facet={view.facet} />
                </ReadoutSlot>
              </PicturesContext>
            ) : (
              missing && <PanelMessage panel={missing} selection={selection} sentence={null} />
            )}
          </div>
          {resampled !== null && (
            <p className="panel-note" data-testid="panel-note">
              {resampled}
            </p>
          )}
        </section>
      </div>
    </div>
  );
}

function Side({ panel, where }: { readonly panel: Panel; readonly where: "left" | "right" }) {
  const { run, place } = panel.placed;
  const { color } = useRunStyle()(place);
  return (
    <span className="panel-name" title={run.name}>
      <span className="muted">{where}</span>
      <span className="swatch" style={{ background: color }} />
      <ElidedName name={run.name} />
      <span className={`panel-step ${panel.outdated ? "panel-outdated" : ""}`}>
        step {formatStep(panel.step ?? 0)}
      </span>
    </span>
  );
}
