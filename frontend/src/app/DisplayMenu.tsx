import { RUN_PALETTES, runStyle, type RunPalette } from "../data/runColors";
import { cssColor } from "../plot/colorMaps";
import type { ColorMapName } from "../state/store";
import { useAppState, useDark, useServices } from "../ui/context";
import type { Selection } from "../state/selection";
import { IconButton } from "../ui/IconButton";
import { Popover, PopoverItem } from "../ui/Popover";
import { copyLink } from "./copyLink";
import { FixedRange } from "./FixedRange";

const RANGES = [
  ["all", "All visible runs, all steps"],
  ["run", "Each run, all its steps"],
  ["panel", "Each panel, this step"],
] as const;

const PALETTES: Readonly<Record<RunPalette, string>> = {
  tensorboard: "As in TensorBoard",
  "okabe-ito": "Okabe–Ito, for every color vision",
};

const SHOWN = 7;

const MAPS: readonly ColorMapName[] = ["viridis", "cividis", "magma", "gray"];

interface DisplayMenuProps {
  readonly colors: boolean;
  readonly selection: Selection;
}

/** Choices that are made once in a while: range, colors, a link to all of it. */
export function DisplayMenu({ colors, selection }: DisplayMenuProps) {
  const { store, host } = useServices();
  const range = useAppState((state) => state.range);
  const colorMap = useAppState((state) => state.colorMap);
  const smooth = useAppState((state) => state.smooth);
  const clip = useAppState((state) => state.clip);
  const palette = useAppState((state) => state.runPalette);
  const dark = useDark();
  return (
    <Popover
      label="Display"
      trigger={<IconButton icon="tune" label="Display" data-testid="display" />}
    >
      <fieldset className="menu-group" data-testid="range" data-value={range}>
        <legend>Range of the scale</legend>
        {RANGES.map(([value, label]) => (
          <label key={value} className="menu-row">
            <input
              type="radio"
              name="range"
              checked={range === value}
              onChange={() => store.setState({ range: value })}
            />
            {label}
          </label>
        ))}
        <FixedRange selection={selection} />
      </fieldset>
      {colors && (
        <fieldset className="menu-group" data-testid="color-map" data-value={colorMap}>
          <legend>Colors</legend>
          {MAPS.map((name) => (
            <label key={name} className="menu-row">
              <input
                type="radio"
                name="color-map"
                checked={colorMap === name}
                onChange={() => store.setState({ colorMap: name })}
              />
              <span className="menu-map" style={{ background: gradient(name) }} />
              {name}
            </label>
          ))}
          <label className="menu-row">
            <input
              type="checkbox"
              checked={smooth}
              onChange={(event) => store.setState({ smooth: event.target.checked })}
            />
            Smooth between samples
          </label>
          <label
            className="menu-row"
            title="Colors leave out the largest 2% of the values in the range, and the smallest 2% unless the model itself lies there"
          >
            <input
              type="checkbox"
              data-testid="clip"
              checked={clip}
              onChange={(event) => store.setState({ clip: event.target.checked })}
            />
            Clip outliers (2–98%)
          </label>
        </fieldset>
      )}
      <fieldset className="menu-group" data-testid="run-palette" data-value={palette}>
        <legend>Colors of the runs</legend>
        {RUN_PALETTES.map((name) => (
          <label key={name} className="menu-row">
            <input
              type="radio"
              name="run-palette"
              value={name}
              checked={palette === name}
              onChange={() => store.setState({ runPalette: name })}
            />
            <span className="menu-map" style={{ background: bands(name, dark) }} />
            {PALETTES[name]}
          </label>
        ))}
      </fieldset>
      <PopoverItem onSelect={() => void copyLink(host, store)}>Copy link to this view</PopoverItem>
    </Popover>
  );
}

/** The first colors of runs side by side. */
function bands(palette: RunPalette, dark: boolean): string {
  const ends = Array.from({ length: SHOWN }, (_, i) => {
    const { color } = runStyle(i, dark, palette);
    return `${color} ${(100 * i) / SHOWN}% ${(100 * (i + 1)) / SHOWN}%`;
  });
  return `linear-gradient(to right, ${ends.join(", ")})`;
}

function gradient(name: ColorMapName): string {
  const stops = Array.from({ length: 9 }, (_, i) => cssColor(name, i / 8));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
