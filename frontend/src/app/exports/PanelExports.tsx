import type { FileRequest } from "../../api/client";
import { frameKey } from "../../data/catalog";
import { formatStep } from "../../plot/format";
import type { Panel } from "../../state/panels";
import { copyText } from "../../ui/clipboard";
import { useServices } from "../../ui/context";
import type { Picture } from "../../ui/plotRegistry";
import { PopoverButton, PopoverItem } from "../../ui/Popover";
import type { PanelSlice, ValueScale, View } from "../../views/view";
import { captionOf } from "../panelCaption";
import { composePanel } from "./composition";
import { ExportStyles } from "./ExportStyles";
import { download, fileName } from "../download";
import { PictureItems } from "./PictureItems";
import { snippetOf } from "./snippet";

interface PanelExportsProps {
  readonly panel: Panel;
  readonly slice: PanelSlice;
  readonly view: View;
  readonly value: ValueScale;
  readonly pictures: ReadonlySet<Picture>;
}

/** What can be taken out of a panel: its picture, its values, code that draws it, a film. */
export function PanelExports({ panel, slice, view, value, pictures }: PanelExportsProps) {
  const { client, store } = useServices();
  const { run, series, channel } = slice;
  const ofSeries = [run, series.name];
  const ofStep = [...ofSeries, `step ${slice.slice.step}`];
  const key = frameKey(series, panel.position);
  const say = (notice: string) => store.setState({ notice });
  const fetchFile = (request: FileRequest, name: readonly string[]) => () => {
    client.file(request).then(
      (file) => download(file, fileName(name, request.format)),
      (error: unknown) => say(error instanceof Error ? error.message : "There is no such file."),
    );
  };
  const copySnippet = async () => {
    // Where it cannot be told, the snippet says what to put there.
    const logdir = await client.health().then(
      (health) => health.logdir,
      () => "",
    );
    const several = slice.slice.shape[0] > 1 && !view.allFocusPoints;
    const text = snippetOf({
      logdir,
      run,
      series: series.name,
      step: slice.slice.step,
      channel: channel.name,
      focusPoint: several ? slice.focusPoint : null,
      stride: panel.stride,
      scale: value.kind === "log" ? "log" : "linear",
      allSteps: view.needsAllSteps,
    });
    const done = await copyText(text);
    if (!done) download(new Blob([text], { type: "text/x-python" }), fileName(ofStep, "py"));
    say(
      done
        ? "Python that draws this panel is in the clipboard."
        : "The browser refused its clipboard, so the snippet was downloaded.",
    );
  };
  const steps = formatStep(series.steps.length);
  return (
    <>
      <ExportStyles />
      <PictureItems
        title="Picture of this panel"
        name={[...ofSeries, channel.name, `step ${slice.slice.step}`]}
        compose={() => composePanel([...pictures], captionOf(slice, view, value))}
      />
      {key !== undefined && (
        <section className="menu-section">
          <h2>Values of all channels</h2>
          <div className="menu-values">
            {(
              [
                ["This step", { keys: [key] }, ofStep],
                [`All ${steps} steps`, { series: series.id }, ofSeries],
              ] as const
            ).map(([label, which, name]) => (
              <div key={label}>
                <span>{label}</span>
                <div className="menu-buttons">
                  {client.formats.map((format) => (
                    <PopoverButton
                      key={format}
                      label={`${label} as ${format.toUpperCase()}`}
                      onSelect={fetchFile({ format, ...which }, name)}
                    >
                      {format.toUpperCase()}
                    </PopoverButton>
                  ))}
                </div>
              </div>
            ))}
          </div>
        </section>
      )}
      <section className="menu-section menu-last">
        <PopoverItem onSelect={() => void copySnippet()}>Copy matplotlib snippet</PopoverItem>
        <PopoverItem onSelect={() => store.setState({ exporting: { kind: "animation", run } })}>
          Animation of this panel …
        </PopoverItem>
      </section>
    </>
  );
}
