import { Suspense, useState, type ReactNode } from "react";
import { IconButton } from "../../ui/IconButton";
import type { Picture } from "../../ui/plotRegistry";
import { Popover, PopoverItem } from "../../ui/Popover";
import { download, fileName } from "../download";
import { PictureExports } from "../lazyExports";

interface PictureMenuProps {
  readonly label: string;
  /** What names the files. */
  readonly parts: readonly string[];
  readonly caption: readonly string[];
  readonly pictures: ReadonlySet<Picture>;
  /** The numbers behind the picture. */
  readonly csv?: () => string;
  /** Shows them as a table. */
  readonly table?: (close: () => void) => ReactNode;
}

/** What can be taken out of a picture of several runs. */
export function PictureMenu({ label, parts, caption, pictures, csv, table }: PictureMenuProps) {
  const [reading, setReading] = useState(false);
  return (
    <>
      <Popover
        label={label}
        trigger={<IconButton icon="menu" label={label} data-testid="picture-menu" />}
      >
        {table && <PopoverItem onSelect={() => setReading(true)}>View as table</PopoverItem>}
        <Suspense fallback={<p className="menu-wait">Loading …</p>}>
          <PictureExports parts={parts} caption={caption} pictures={pictures} />
        </Suspense>
        {csv && (
          <PopoverItem
            onSelect={() => {
              download(new Blob([csv()], { type: "text/csv" }), fileName(parts, "csv"));
            }}
          >
            Download values (CSV)
          </PopoverItem>
        )}
      </Popover>
      {reading && table?.(() => setReading(false))}
    </>
  );
}
