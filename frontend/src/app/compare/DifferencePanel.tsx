import { useMemo, useState } from "react";
import { formatStep, formatValue } from "../../plot/format";
import { seek } from "../../state/actions";
import type { Panel } from "../../state/panels";
import type { Selection } from "../../state/selection";
import { useAppState, useServices } from "../../ui/context";
import { ElidedName } from "../../ui/ElidedName";
import { PicturesContext, type Picture } from "../../ui/plotRegistry";
import { ReadoutSlot } from "../../ui/readoutSlot";
import { useRunStyle } from "../../ui/useRunStyle";
import { scaleSentences } from "../../views/shared/recordSentences";
import type { PanelSlice, View } from "../../views/view";
import { ErrorBoundary } from "../ErrorBoundary";
import { Message, Offer, PanelMessage } from "../PanelMessage";
import { ValueTable } from "../ValueTable";
import { toCsv } from "../../data/csv";
import { gridRows } from "./gridRows";
import {
  differenceNotes,
  pairDifference,
  reached,
  symmetricScale,
  type Pair,
} from "./differenceModel";
import { PictureMenu } from "./PictureMenu";

interface DifferencePanelProps {
  readonly pair: Pair;
  /** The differences of all panels, which may share a scale. */
  readonly all: readonly Float32Array[];
  readonly view: View;
  readonly selection: Selection;
  readonly step: number;
  readonly revision: number;
}

/** One run minus what it is compared with, or why there is no such difference. */
export function DifferencePanel({ pair, all, view, selection, ...now }: DifferencePanelProps) {
  const { a, b } = pair;
  const { store } = useServices();
  const styleOf = useRunStyle();
  const focusPoint = useAppState((state) => state.focusPoint);
  const smooth = useAppState((state) => state.smooth);
  const scope = useAppState((state) => state.range);
  const fixed = useAppState((state) => state.fixedRange);
  const clip = useAppState((state) => state.clip);
  const [pictures] = useState(() => new Set<Picture>());
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const { channel, scale } = selection;
  const { difference, found } = useMemo(
    () => pairDifference(pair, channel, focusPoint),
    [pair, channel, focusPoint],
  );
  const hasOwn = b.content.state === "ready";
  const series = b.series;
  const name = b.placed.run.name;
  const title = a.placed.run.name === name ? name : `${name} − ${a.placed.run.name}`;
  const { place } = b.placed;
  const panels = useMemo((): PanelSlice[] => {
    if (!found || !series) return [];
    const style = styleOf(place);
    return [{ ...found, run: title, style, series, sliceAt: () => null }];
  }, [found, series, title, place, styleOf]);
  const value = useMemo(
    () =>
      found &&
      symmetricScale(reached(found, view.colors), all, {
        scope,
        fixed,
        clip: clip && view.colors,
        scale,
      }),
    [found, all, scope, fixed, clip, view, scale],
  );
  const notes =
    difference && "found" in difference && value
      ? differenceNotes(difference, value, view.colors)
      : [];
  const pending = [a, b].some(({ content }) => content.state === "ready" && content.pending);
  const steps = `step ${formatStep(b.step ?? 0)} − step ${formatStep(a.step ?? 0)}`;
  const state = found
    ? "ready"
    : difference
      ? "refused"
      : hasOwn
        ? a.content.state
        : b.content.state;
  return (
    <section
      className="panel"
      aria-label={`Difference: ${title}`}
      data-testid="panel"
      data-run={name}
      data-base={a.placed.run.name}
      data-step={pending ? "" : (b.step ?? "")}
      data-state={pending ? "pending" : state}
    >
      <header className="panel-head">
        <Name panel={b} />
        <span
          className="muted panel-minus"
          title={a.placed.run.name === name ? steps : `minus ${a.placed.run.name}`}
        >
          − {a.placed.run.name === name ? `step ${formatStep(a.step ?? 0)}` : "base"}
        </span>
        <span className={`panel-step ${a.outdated || b.outdated ? "panel-outdated" : ""}`}>
          {a.step === b.step || a.placed.run.name === name
            ? `step ${formatStep(b.step ?? 0)}`
            : steps}
        </span>
        <span className="panel-space" />
        <span className="panel-readout" ref={setSlot} />
        {found && (
          <span className="panel-center" title="Difference at the focus point">
            {formatValue(found.channel.center[0] ?? NaN)}
          </span>
        )}
        {found && (
          <PictureMenu
            label={`Menu of ${title}`}
            parts={[title, channel ?? "", "difference", steps]}
            caption={[
              `${channel ?? ""}: ${title}, ${steps}`,
              ...notes,
              ...(value ? scaleSentences(value) : []),
            ]}
            pictures={pictures}
            csv={() => toCsv(gridRows(found))}
            table={(close) => <ValueTable slices={panels} sentences={notes} onClose={close} />}
          />
        )}
      </header>
      <div className={`panel-body ${pending ? "panel-pending" : ""}`}>
        <ErrorBoundary where={title}>
          {difference && "refused" in difference ? (
            <Message title={difference.refused} detail={difference.why}>
              <Offer onClick={() => store.setState({ compare: "grid" })}>
                Show the runs side by side
              </Offer>
            </Message>
          ) : panels.length > 0 && value ? (
            <PicturesContext value={pictures}>
              <ReadoutSlot value={slot}>
                <view.Component
                  {...now}
                  panels={panels}
                  value={value}
                  extent={null}
                  colorMap="purpleOrange"
                  smooth={smooth}
                  seek={(to) => seek(store, selection.steps, to)}
                />
              </ReadoutSlot>
            </PicturesContext>
          ) : (
            <PanelMessage
              panel={hasOwn ? a : b}
              selection={selection}
              sentence={found ? "No difference is a finite number." : null}
            />
          )}
        </ErrorBoundary>
      </div>
      {notes.length > 0 && (
        <p className="panel-note" data-testid="panel-note">
          {notes.map((note) => (
            <span key={note} className="panel-note-sentence">
              {note}
            </span>
          ))}
        </p>
      )}
    </section>
  );
}

function Name({ panel: { placed } }: { readonly panel: Panel }) {
  const { color } = useRunStyle()(placed.place);
  return (
    <span className="panel-name" title={placed.run.name}>
      <span className="swatch" style={{ background: color }} />
      <ElidedName name={placed.run.name} />
    </span>
  );
}
