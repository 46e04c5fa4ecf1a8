import { useCallback, useMemo, useState } from "react";
import { extent } from "../../data/slice";
import { enclose } from "../../data/stats";
import { formatStep } from "../../plot/format";
import { IN_PLACE, type Box } from "../../plot/geometry";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useAppState, useDark, useServices } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { PicturesContext, type Picture } from "../../ui/plotRegistry";
import { useSize } from "../../ui/useSize";
import { useRunStyle } from "../../ui/useRunStyle";
import { scaleSentences } from "../../views/shared/recordSentences";
import { useValueScale } from "../../views/shared/useValueScale";
import { toPanelSlice } from "../panelSlices";
import { drawStrip, layOutStrip, stripBarRoom, type Cell, type Strip } from "./drawStrip";
import type { ModeProps, Scene } from "./mode";
import { PictureMenu } from "./PictureMenu";
import { StripBar } from "./StripBar";
import { StripTable, textOf } from "./StripTable";
import { useStripScale } from "./useStripScale";

/** Runs by steps, or by series, in one picture with one scale. */
export function StripMode({ panels, scenes, view, selection, step }: ModeProps) {
  const { store, fields } = useServices();
  const dark = useDark();
  const theme = themeFor(dark);
  const styleOf = useRunStyle();
  const by = useAppState((state) => state.stripColumns);
  const focusPoint = useAppState((state) => state.focusPoint);
  const colorMap = useAppState((state) => state.colorMap);
  const smooth = useAppState((state) => state.smooth);
  const [pictures] = useState(() => new Set<Picture>());
  const [at, setAt] = useState<Place | null>(null);
  const [element, size] = useSize();
  const { channel } = selection;
  const rows = useMemo(
    () =>
      panels.map(({ placed }, j) => ({
        name: placed.run.name,
        color: styleOf(placed.place).color,
        cells: scenes.map((scene): Cell => {
          const panel = scene.panels[j];
          const slice = panel && toPanelSlice(panel, channel, focusPoint, styleOf, fields);
          const older = slice && panel.step !== scene.step ? panel.step : null;
          return { slice: slice ?? null, message: messageFor(scene, j), older };
        }),
      })),
    [panels, scenes, channel, focusPoint, styleOf, fields],
  );
  const heads = useMemo(
    () =>
      scenes.map((scene) =>
        by === "series" ? (scene.selection.seriesName ?? "") : `step ${formatStep(scene.step)}`,
      ),
    [scenes, by],
  );
  const drawn = useMemo(
    () => rows.flatMap(({ cells }) => cells.flatMap(({ slice }) => slice ?? [])),
    [rows],
  );
  const value = useStripScale(drawn, selection.scale, view?.colors ?? false);
  const scale = useValueScale(value);
  const facet = view?.facet;
  const first = drawn[0]?.slice;
  const ratio = (first && facet?.ratio(first)) ?? null;
  const colors = view?.colors ?? false;
  const layout = useMemo(
    () => layOutStrip(size, panels.length, scenes.length, ratio, stripBarRoom(scale, colors)),
    [size, panels.length, scenes.length, ratio, scale, colors],
  );
  const draw = useCallback(
    (surface: Surface2D) => {
      if (!facet) return;
      const shared =
        by === "step" ? enclose(drawn.map(({ slice }) => extent(slice.axes[0]))) : null;
      const look = { facet, scale, colors, clipped: value.clipped, extent: shared };
      const strip: Strip = {
        columns: heads,
        rows,
        ...look,
        colorMap,
        smooth,
        theme,
      };
      drawStrip(surface, layout, strip);
    },
    [facet, by, drawn, scale, colors, value, heads, rows, colorMap, smooth, theme, layout],
  );
  const pointed = at && rows[at.row]?.cells[at.column] ? at : null;
  const overlay = useMemo(
    () =>
      pointed &&
      ((surface: Surface2D) => {
        const { x, y, width, height } = layout.box(pointed.row, pointed.column);
        const frame = { x: x - 3, y: y - 3, width: width + 6, height: height + 6 };
        outline(surface, frame, theme.text);
      }),
    [pointed, layout, theme],
  );
  const placeAt = (px: number, py: number): Place | null => {
    const inside = (one: number, from: number, room: number) => one >= from && one <= from + room;
    for (const row of rows.keys()) {
      for (const column of heads.keys()) {
        const { x, y, width, height } = layout.box(row, column);
        if (inside(px, x, width) && inside(py, y, height)) return { row, column };
      }
    }
    return null;
  };
  const show = (place: Place | null) => {
    const scene = place && scenes[place.column];
    const run = place && rows[place.row]?.name;
    if (!scene || !run) return;
    const { seriesName } = scene.selection;
    store.setState({ focusRun: run, step: scene.step, series: seriesName, compare: "grid" });
  };
  const cell = pointed && rows[pointed.row]?.cells[pointed.column];
  const title = `${channel ?? ""}: ${rows.length} runs by ${heads.length} ${by === "step" ? "steps" : "series"}`;
  const loading = scenes.some(({ panels: all }) => all.some(({ content }) => isWaiting(content)));
  const notes = scaleSentences(value);
  return (
    <div className="mode">
      <StripBar by={by} steps={scenes.map((scene) => scene.step)}>
        <PictureMenu
          label="Menu of the film strip"
          parts={[selection.seriesName ?? "", channel ?? "", "film strip"]}
          caption={[
            by === "step" ? `${selection.seriesName ?? ""}, ${title}` : `${title}, step ${step}`,
            ...notes,
          ]}
          pictures={pictures}
          table={(close) => (
            <StripTable title={title} columns={heads} rows={rows} onClose={close} />
          )}
        />
        <span className="strip-readout" role="status" data-testid="strip-readout">
          {pointed && cell && (
            <>
              <bdi>{rows[pointed.row]?.name}</bdi>, <bdi>{heads[pointed.column]}</bdi>:{" "}
              <b>{textOf(cell)}</b>
            </>
          )}
        </span>
      </StripBar>
      <div
        className="strip"
        ref={element}
        data-testid="strip"
        data-rows={rows.length}
        data-columns={heads.length}
        data-state={loading ? "loading" : "ready"}
      >
        <PicturesContext value={pictures}>
          <Plot
            size={layout.size}
            draw={draw}
            overlay={overlay}
            label={`Film strip of ${title}. ${rows.map(({ name }) => name).join(", ")}; ${heads.join(", ")}.`}
            onMove={(x, y) => setAt(placeAt(x, y))}
            onLeave={() => setAt(null)}
            onClick={(x, y) => show(placeAt(x, y))}
            onArrow={(dx, dy) =>
              setAt((now) => {
                const { row, column } = now ?? { row: dy, column: -dx };
                return {
                  row: within(row - dy, rows.length),
                  column: within(column + dx, heads.length),
                };
              })
            }
            onEnter={() => show(pointed)}
          />
        </PicturesContext>
      </div>
      {notes.length > 0 && <p className="panel-note">{notes.join(" ")}</p>}
    </div>
  );
}

interface Place {
  readonly row: number;
  readonly column: number;
}

function within(place: number, count: number): number {
  return Math.min(Math.max(place, 0), count - 1);
}

function outline(surface: Surface2D, { x, y, width, height }: Box, color: string): void {
  const lines = [Float64Array.of(x, y, x + width, y, x + width, y + height, x, y + height, x, y)];
  surface.stroke({ lines }, IN_PLACE, { color, width: 2 });
}

function isWaiting(content: Scene["panels"][number]["content"]): boolean {
  return content.state === "loading" || (content.state === "ready" && content.pending);
}

function messageFor({ panels }: Scene, row: number): string {
  const state = panels[row]?.content.state;
  if (state === "loading") return "loading";
  if (state === "not yet") return "not logged yet";
  return state === "no series" ? "no such series" : "no slice";
}
