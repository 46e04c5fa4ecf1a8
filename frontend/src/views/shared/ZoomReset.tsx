import { IconButton } from "../../ui/IconButton";

/** In the corner between the axes, where nothing else stands, while a part is shown. */
export function ZoomReset({ reset }: { readonly reset: (() => void) | null }) {
  return (
    reset && (
      <IconButton
        icon="whole"
        label="Show all of it"
        shortcut="R"
        className="zoom-reset"
        data-testid="zoom-reset"
        onClick={reset}
      />
    )
  );
}
