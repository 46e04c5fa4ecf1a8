import { useAppState, useServices } from "../../ui/context";
import { PopoverButton } from "../../ui/Popover";
import type { Composition } from "./composition";
import { download, fileName } from "../download";
import { copyPicture, toPng, toSvg } from "./files";
import { LookControls, useLook } from "./LookControls";

interface PictureItemsProps {
  /** What it is a picture of, in words. */
  readonly title: string;
  readonly name: readonly string[];
  /** The picture as it stands on the page now. */
  readonly compose: () => Composition | null;
}

/** A picture as a file, or for the clipboard. */
export function PictureItems({ title, name, compose }: PictureItemsProps) {
  const { store } = useServices();
  const look = useLook();
  const density = useAppState((state) => state.density);
  const say = (notice: string) => store.setState({ notice });
  const take = (use: (composition: Composition) => Promise<void> | void) => () => {
    const composition = compose();
    if (!composition) {
      say("Nothing is drawn here yet.");
      return;
    }
    Promise.resolve(use(composition)).catch((error: unknown) => {
      say(error instanceof Error ? error.message : "The picture could not be made.");
    });
  };
  return (
    <section className="menu-section">
      <h2>{title}</h2>
      <LookControls />
      <div className="menu-buttons">
        <PopoverButton
          label={`${title} as SVG`}
          onSelect={take((picture) => download(toSvg(picture, look), fileName(name, "svg")))}
        >
          SVG
        </PopoverButton>
        <PopoverButton
          label={`${title} as PNG`}
          onSelect={take(async (picture) =>
            download(await toPng(picture, look, density), fileName(name, "png")),
          )}
        >
          PNG
        </PopoverButton>
        <PopoverButton
          label={`Copy ${title.charAt(0).toLowerCase()}${title.slice(1)}`}
          onSelect={take(async (picture) => {
            const done = await copyPicture(toPng(picture, look, density));
            say(
              done
                ? "The picture is in the clipboard."
                : "The browser refused its clipboard; download the PNG instead.",
            );
          })}
        >
          Copy
        </PopoverButton>
      </div>
    </section>
  );
}
