import type { Picture } from "../../ui/plotRegistry";
import { composePanel } from "./composition";
import { ExportStyles } from "./ExportStyles";
import { PictureItems } from "./PictureItems";

interface PictureExportsProps {
  readonly parts: readonly string[];
  readonly caption: readonly string[];
  readonly pictures: ReadonlySet<Picture>;
}

/** A picture of several runs as a file. */
export function PictureExports({ parts, caption, pictures }: PictureExportsProps) {
  return (
    <>
      <ExportStyles />
      <PictureItems
        title="Picture"
        name={parts}
        compose={() => composePanel([...pictures], caption)}
      />
    </>
  );
}
