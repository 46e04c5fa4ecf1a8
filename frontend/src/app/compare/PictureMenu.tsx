import { themeFor } from "../../plot/theme";
import { useDark } from "../../ui/context";
import { IconButton } from "../../ui/IconButton";
import type { Picture } from "../../ui/plotRegistry";
import { Popover, PopoverItem } from "../../ui/Popover";
import { download, fileName, toPng, toSvg } from "../exports";

interface PictureMenuProps {
  readonly label: string;
  /** What names the files. */
  readonly parts: readonly string[];
  readonly caption: readonly string[];
  readonly pictures: ReadonlySet<Picture>;
  /** The numbers behind the picture. */
  readonly csv?: () => string;
}

/** What can be taken out of a picture of several runs. */
export function PictureMenu({ label, parts, caption, pictures, csv }: PictureMenuProps) {
  const theme = themeFor(useDark());
  const shown = () => [...pictures][0];
  return (
    <Popover
      label={label}
      trigger={<IconButton icon="menu" label={label} data-testid="picture-menu" />}
    >
      <PopoverItem
        onSelect={() => {
          const picture = shown();
          if (!picture) return;
          const svg = new Blob([toSvg(picture, theme, caption)], { type: "image/svg+xml" });
          download(svg, fileName(parts, "svg"));
        }}
      >
        Download picture (SVG)
      </PopoverItem>
      <PopoverItem
        onSelect={() => {
          const picture = shown();
          if (!picture) return;
          void toPng(picture, theme, caption).then((png) => {
            if (png) download(png, fileName(parts, "png"));
          });
        }}
      >
        Download picture (PNG)
      </PopoverItem>
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
  );
}
