import { Suspense } from "react";
import type { Selection } from "../state/selection";
import { IconButton } from "../ui/IconButton";
import { Popover } from "../ui/Popover";
import { StageExports } from "./lazyExports";

/** What can be taken out of the page as a whole. */
export function ExportMenu({ selection }: { readonly selection: Selection }) {
  return (
    <Popover
      label="Export"
      trigger={<IconButton icon="download" label="Export" data-testid="export" />}
    >
      <Suspense fallback={<p className="menu-wait">Loading …</p>}>
        <StageExports selection={selection} />
      </Suspense>
    </Popover>
  );
}
