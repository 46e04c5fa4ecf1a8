import type { Selection } from "../../state/selection";
import type { Exporting } from "../../state/store";
import { useServices } from "../../ui/context";
import { AnimationDialog } from "./AnimationDialog";
import { PageDialog } from "./PageDialog";

interface ExportDialogProps {
  readonly exporting: Exporting;
  readonly selection: Selection;
}

/** What a file that is not made at a click asks first. */
export function ExportDialog({ exporting, selection }: ExportDialogProps) {
  const { store } = useServices();
  const onClose = () => store.setState({ exporting: null });
  return exporting.kind === "page" ? (
    <PageDialog selection={selection} onClose={onClose} />
  ) : (
    <AnimationDialog selection={selection} run={exporting.run} onClose={onClose} />
  );
}
