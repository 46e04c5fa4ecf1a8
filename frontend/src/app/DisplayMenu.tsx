import { cssColor } from "../plot/colorMaps";
import type { ColorMapName } from "../state/store";
import { useAppState, useServices } from "../ui/context";
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
      <PopoverItem onSelect={() => void copyLink(host, store)}>Copy link to this view</PopoverItem>
    </Popover>
  );
}

function gradient(name: ColorMapName): string {
  const stops = Array.from({ length: 9 }, (_, i) => cssColor(name, i / 8));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
