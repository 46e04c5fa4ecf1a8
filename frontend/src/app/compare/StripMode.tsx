import { useCallback, useMemo, useState } from "react";
import { runStyle } from "../../data/runColors";
import { extent } from "../../data/slice";
import { enclose } from "../../data/stats";
import { formatStep } from "../../plot/format";
import type { Surface2D } from "../../plot/surface";
import { themeFor } from "../../plot/theme";
import { useAppState, useDark, useServices } from "../../ui/context";
import { Plot } from "../../ui/Plot";
import { PicturesContext, type Picture } from "../../ui/plotRegistry";
import { useSize } from "../../ui/useSize";
import { scaleSentences } from "../../views/shared/recordSentences";
import { useValueScale } from "../../views/shared/useValueScale";
import { toPanelSlice } from "../panelSlices";
import { drawStrip, layOutStrip, stripBarRoom, type Cell, type Strip } from "./drawStrip";
import type { ModeProps, Scene } from "./mode";
import { PictureMenu } from "./PictureMenu";
import { StripBar } from "./StripBar";
import { useStripScale } from "./useStripScale";

/** Runs by steps, or by series, in one picture with one scale. */
export function StripMode({ panels, scenes, view, selection, step }: ModeProps) {
  const { fields } = useServices();
  const dark = useDark();
  const theme = themeFor(dark);
  const by = useAppState((state) => state.stripColumns);
  const focusPoint = useAppState((state) => state.focusPoint);
  const colorMap = useAppState((state) => state.colorMap);
  const smooth = useAppState((state) => state.smooth);
  const [pictures] = useState(() => new Set<Picture>());
  const [element, size] = useSize();
  const { channel } = selection;
  const rows = useMemo(
    () =>
      panels.map(({ placed }, j) => ({
        name: placed.run.name,
        color: runStyle(placed.place, dark).color,
        cells: scenes.map((scene): Cell => {
          const panel = scene.panels[j];
          const slice = panel && toPanelSlice(panel, channel, focusPoint, dark, fields);
          const older = slice && panel.step !== scene.step ? panel.step : null;
          return { slice: slice ?? null, message: messageFor(scene, j), older };
        }),
      })),
    [panels, scenes, channel, focusPoint, dark, fields],
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
        />
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
            overlay={null}
            label={`Film strip of ${title}. ${rows.map(({ name }) => name).join(", ")}; ${heads.join(", ")}.`}
            onMove={nothing}
            onLeave={nothing}
            onArrow={nothing}
          />
        </PicturesContext>
      </div>
      {notes.length > 0 && <p className="panel-note">{notes.join(" ")}</p>}
    </div>
  );
}

function nothing(): void {
  // A film strip is a figure: what is read sample by sample stands in the grid.
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
