import { memo, Suspense, useState } from "react";
import type { Panel } from "../state/panels";
import { IconButton } from "../ui/IconButton";
import type { Picture } from "../ui/plotRegistry";
import { Popover, PopoverItem } from "../ui/Popover";
import { sentencesFor } from "../views/shared/recordSentences";
import type { PanelSlice, ValueScale, View } from "../views/view";
import { PanelExports } from "./lazyExports";
import { ValueTable } from "./ValueTable";

/** What a panel shows. */
interface Shown {
  readonly panel: Panel;
  readonly slices: readonly PanelSlice[];
  readonly view: View | null;
  readonly value: ValueScale | null;
}

interface PanelMenuProps {
  readonly run: string;
  /** What the panel shows now: asked when the menu opens, so that it need not follow every step. */
  readonly latest: () => Shown;
  readonly pictures: ReadonlySet<Picture>;
}

/** What can be taken out of a panel. */
export const PanelMenu = memo(function PanelMenu({ run, latest, pictures }: PanelMenuProps) {
  const [table, setTable] = useState<Shown | null>(null);
  const label = `Menu of ${run}`;
  return (
    <>
      <Popover
        label={label}
        trigger={<IconButton icon="menu" label={label} data-testid="panel-menu" />}
      >
        <Items latest={latest} pictures={pictures} onTable={setTable} />
      </Popover>
      {table?.view && table.value && table.slices[0] && (
        <ValueTable
          slices={table.slices}
          sentences={sentencesFor(table.view, table.slices[0], table.value)}
          onClose={() => setTable(null)}
        />
      )}
    </>
  );
});

interface ItemsProps extends Omit<PanelMenuProps, "run"> {
  readonly onTable: (shown: Shown) => void;
}

function Items({ latest, pictures, onTable }: ItemsProps) {
  // What was shown when the menu opened, also where steps go on meanwhile.
  const [shown] = useState(latest);
  const [taken] = useState(() => new Set(pictures));
  const { panel, slices, view, value } = shown;
  const [slice] = slices;
  if (!slice || !view || !value) return null;
  return (
    <>
      <PopoverItem onSelect={() => onTable(shown)}>View as table</PopoverItem>
      <Suspense fallback={<p className="menu-wait">Loading …</p>}>
        <PanelExports panel={panel} slice={slice} view={view} value={value} pictures={taken} />
      </Suspense>
    </>
  );
}
