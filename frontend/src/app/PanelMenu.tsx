import { Suspense, useState } from "react";
import type { Panel } from "../state/panels";
import { IconButton } from "../ui/IconButton";
import type { Picture } from "../ui/plotRegistry";
import { Popover, PopoverItem } from "../ui/Popover";
import { sentencesFor } from "../views/shared/recordSentences";
import type { PanelSlice, ValueScale, View } from "../views/view";
import { PanelExports } from "./lazyExports";
import { ValueTable } from "./ValueTable";

interface PanelMenuProps {
  readonly panel: Panel;
  readonly slice: PanelSlice;
  readonly view: View;
  readonly value: ValueScale;
  readonly pictures: ReadonlySet<Picture>;
}

/** What can be taken out of a panel. */
export function PanelMenu(props: PanelMenuProps) {
  const { slice, view, value } = props;
  const [table, setTable] = useState(false);
  const label = `Menu of ${slice.run}`;
  return (
    <>
      <Popover
        label={label}
        trigger={<IconButton icon="menu" label={label} data-testid="panel-menu" />}
      >
        <PopoverItem onSelect={() => setTable(true)}>View as table</PopoverItem>
        <Suspense fallback={<p className="menu-wait">Loading …</p>}>
          <PanelExports {...props} />
        </Suspense>
      </Popover>
      {table && (
        <ValueTable
          slices={[slice]}
          sentences={sentencesFor(view, slice, value)}
          onClose={() => setTable(false)}
        />
      )}
    </>
  );
}
