import { useState } from "react";
import { frameKey } from "../data/catalog";
import { quoted } from "../plot/format";
import { themeFor } from "../plot/theme";
import type { Panel } from "../state/panels";
import { useDark, useServices } from "../ui/context";
import { IconButton } from "../ui/IconButton";
import type { Picture } from "../ui/plotRegistry";
import { Popover, PopoverItem } from "../ui/Popover";
import { sentencesFor } from "../views/shared/recordSentences";
import type { PanelSlice, ValueScale, View } from "../views/view";
import { download, fileName, toPng, toSvg } from "./exports";
import { ValueTable } from "./ValueTable";

interface PanelMenuProps {
  readonly panel: Panel;
  readonly slice: PanelSlice;
  readonly view: View;
  readonly value: ValueScale;
  readonly pictures: ReadonlySet<Picture>;
}

/** What can be taken out of a panel. */
export function PanelMenu({ panel, slice, view, value, pictures }: PanelMenuProps) {
  const { client, store } = useServices();
  const theme = themeFor(useDark());
  const [table, setTable] = useState(false);
  const { run, series, channel } = slice;
  const parts = [run, series.name, channel.name, `step ${slice.slice.step}`];
  const key = frameKey(series, panel.position);
  const sentences = sentencesFor(view, slice, value);
  const caption = [[...parts, slice.slice.method].map(quoted).join(", "), ...sentences];
  // A panel of many small pictures is no one file.
  const picture = () => (pictures.size === 1 ? [...pictures][0] : undefined);
  const follow = (address: string, name: string) => {
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
  };
  return (
    <>
      <Popover
        label={`Menu of ${run}`}
        trigger={<IconButton icon="menu" label={`Menu of ${run}`} data-testid="panel-menu" />}
      >
        <PopoverItem onSelect={() => setTable(true)}>View as table</PopoverItem>
        <PopoverItem
          onSelect={() => {
            const shown = picture();
            if (!shown) {
              noPicture(store);
              return;
            }
            const svg = new Blob([toSvg(shown, theme, caption)], { type: "image/svg+xml" });
            download(svg, fileName(parts, "svg"));
          }}
        >
          Download picture (SVG)
        </PopoverItem>
        <PopoverItem
          onSelect={() => {
            const shown = picture();
            if (!shown) {
              noPicture(store);
              return;
            }
            void toPng(shown, theme, caption).then((png) => {
              if (png) download(png, fileName(parts, "png"));
            });
          }}
        >
          Download picture (PNG)
        </PopoverItem>
        {key !== undefined && (
          <>
            <PopoverItem
              onSelect={() => follow(client.exportUrl([key], "csv"), fileName(parts, "csv"))}
            >
              Download values (CSV)
            </PopoverItem>
            <PopoverItem
              onSelect={() => follow(client.exportUrl([key], "npy"), fileName(parts, "npy"))}
            >
              Download values (NPY)
            </PopoverItem>
          </>
        )}
      </Popover>
      {table && (
        <ValueTable slices={[slice]} sentences={sentences} onClose={() => setTable(false)} />
      )}
    </>
  );
}

function noPicture(store: ReturnType<typeof useServices>["store"]): void {
  store.setState({ notice: "This view has many small pictures; download the values instead." });
}
