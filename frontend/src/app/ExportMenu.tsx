import { Suspense } from "react";
import type { Selection } from "../state/selection";
import { useAppState, useServices } from "../ui/context";
import { IconButton } from "../ui/IconButton";
import { Popover } from "../ui/Popover";
import { StageExports } from "./lazyExports";

/** What can be taken out of the page as a whole. */
export function ExportMenu({ selection }: { readonly selection: Selection }) {
  const { store } = useServices();
  const open = useAppState((state) => state.exportMenuOpen);
  return (
    <Popover
      label="Export"
      open={open}
      onOpenChange={(exportMenuOpen) => store.setState({ exportMenuOpen })}
      trigger={<IconButton icon="download" label="Export" shortcut="E" data-testid="export" />}
    >
      <Suspense fallback={<p className="menu-wait">Loading …</p>}>
        <StageExports selection={selection} />
      </Suspense>
    </Popover>
  );
}
