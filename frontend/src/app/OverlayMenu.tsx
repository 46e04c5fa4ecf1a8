import { useState } from "react";
import { IconButton } from "../ui/IconButton";
import { Popover, PopoverItem } from "../ui/Popover";
import type { PanelSlice, ValueScale, View } from "../views/view";
import { sentencesForAll } from "./PanelNote";
import { ValueTable } from "./ValueTable";

interface OverlayMenuProps {
  readonly slices: readonly PanelSlice[];
  readonly value: ValueScale;
  readonly view: View;
}

/** What can be taken out of a chart of several runs. */
export function OverlayMenu({ slices, value, view }: OverlayMenuProps) {
  const [table, setTable] = useState(false);
  const label = "Menu of all visible runs";
  return (
    <span className="panel-legend-menu">
      <Popover
        label={label}
        trigger={<IconButton icon="menu" label={label} data-testid="panel-menu" />}
      >
        <PopoverItem onSelect={() => setTable(true)}>View as table</PopoverItem>
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
