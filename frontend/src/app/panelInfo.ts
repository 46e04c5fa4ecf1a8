import type { PanelInfo } from "../ui/plotRegistry";
import type { PanelSlice, ValueScale, View } from "../views/view";
import { captionOf, commonCaption } from "./panelCaption";

/** What files say of a panel; nothing while it has no picture. */
export function panelInfo(
  run: string,
  slices: readonly PanelSlice[],
  view: View | null,
  value: ValueScale | null,
): PanelInfo | null {
  if (!view || !value || slices.length === 0) return null;
  return {
    run,
    legend: slices.map(({ run: name, slice: { step }, style }) => ({ run: name, step, ...style })),
    caption: commonCaption(
      slices.map((slice) => ({ run: slice.run, caption: captionOf(slice, view, value) })),
    ),
  };
}
