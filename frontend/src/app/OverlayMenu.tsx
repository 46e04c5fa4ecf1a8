import { Suspense, useState } from "react";
import { IconButton } from "../ui/IconButton";
import type { PanelInfo, Picture } from "../ui/plotRegistry";
import { Popover, PopoverItem } from "../ui/Popover";
import type { PanelSlice, ValueScale, View } from "../views/view";
import { PictureExports } from "./lazyExports";
import { sentencesForAll } from "./PanelNote";
import { ValueTable } from "./ValueTable";

interface OverlayMenuProps {
  readonly slices: readonly PanelSlice[];
  readonly value: ValueScale;
  readonly view: View;
  readonly pictures: ReadonlySet<Picture>;
  readonly info: () => PanelInfo | null;
}

/** What can be taken out of a chart of several runs. */
export function OverlayMenu({ slices, value, view, pictures, info }: OverlayMenuProps) {
  const [table, setTable] = useState(false);
  const label = "Menu of all visible runs";
  return (
    <span className="panel-legend-menu">
      <Popover
        label={label}
        trigger={<IconButton icon="menu" label={label} data-testid="panel-menu" />}
      >
        <PopoverItem onSelect={() => setTable(true)}>View as table</PopoverItem>
        <Suspense fallback={<p className="menu-wait">Loading …</p>}>
          <PictureExports
            parts={["all runs", slices[0]?.series.name ?? "", slices[0]?.channel.name ?? ""]}
            caption={info()?.caption ?? []}
            pictures={pictures}
          />
        </Suspense>
      </Popover>
      {table && (
        <ValueTable
          slices={slices}
          sentences={sentencesForAll(slices, value, view)}
          onClose={() => setTable(false)}
        />
      )}
    </span>
  );
}
