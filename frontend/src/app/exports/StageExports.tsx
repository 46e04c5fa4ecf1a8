import { use } from "react";
import type { Selection } from "../../state/selection";
import { useServices } from "../../ui/context";
import { StagePicturesContext } from "../../ui/plotRegistry";
import { PopoverItem } from "../../ui/Popover";
import { useStep } from "../useSelection";
import { composeStage } from "./composition";
import { ExportStyles } from "./ExportStyles";
import { PictureItems } from "./PictureItems";

/** What can be taken out of the page: all its panels as one picture, a film of them, itself. */
export function StageExports({ selection }: { readonly selection: Selection }) {
  const { client, store } = useServices();
  const pictures = use(StagePicturesContext);
  const step = useStep(selection);
  const name = [selection.seriesName ?? "stage", selection.channel ?? "", `step ${step}`];
  return (
    <>
      <ExportStyles />
      <PictureItems
        title="Picture of all panels"
        name={["stage", ...name]}
        compose={() => composeStage([...(pictures ?? [])])}
      />
      <section className="menu-section menu-last">
        <PopoverItem
          onSelect={() => store.setState({ exporting: { kind: "animation", run: null } })}
        >
          Animation of all panels …
        </PopoverItem>
        {client.hasServer && (
          <PopoverItem onSelect={() => store.setState({ exporting: { kind: "page" } })}>
            Export page (HTML) …
          </PopoverItem>
        )}
      </section>
    </>
  );
}
