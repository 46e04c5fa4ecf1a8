import { use, useState } from "react";
import { formatStep } from "../../plot/format";
import { nearestPosition } from "../../data/align";
import { seek, setPlaying } from "../../state/actions";
import type { Selection } from "../../state/selection";
import { SPEEDS } from "../../state/store";
import { useAppState, useServices } from "../../ui/context";
import { Dialog } from "../../ui/Dialog";
import { StagePicturesContext } from "../../ui/plotRegistry";
import { Segmented } from "../../ui/Segmented";
import { filmPictures, filmVideo, stepsBetween, type Film } from "./animation";
import { composePanel, composeStage } from "./composition";
import { ExportStyles } from "./ExportStyles";
import { download, fileName } from "../download";
import { LookControls, useLook } from "./LookControls";
import { picturesOf, stageIsStill } from "./stage";
import { TaskProgress } from "./TaskProgress";
import { useTask } from "./useTask";

interface AnimationDialogProps {
  readonly selection: Selection;
  /** Whose panel; nothing for all of them. */
  readonly run: string | null;
  readonly onClose: () => void;
}

/** Films the steps of a range: the page goes through them, and each is drawn once it is there. */
export function AnimationDialog({ selection, run, onClose }: AnimationDialogProps) {
  const { store } = useServices();
  const pictures = use(StagePicturesContext) ?? new Set();
  const look = useLook();
  const density = useAppState((state) => state.density);
  const speed = useAppState((state) => state.framesPerSecond);
  const all = selection.steps;
  const [form, setForm] = useState("webm");
  const [from, setFrom] = useState(all[0] ?? 0);
  const [to, setTo] = useState(all.at(-1) ?? 0);
  const [every, setEvery] = useState(1);
  const [fps, setFps] = useState(speed);
  const { progress, start, cancel } = useTask();
  const running = progress.state === "running";
  const steps = stepsBetween(all, from, to, every);
  const logged = (value: number) => all[nearestPosition(all, value)] ?? 0;

  const film = () => {
    const before = store.getState().step;
    setPlaying(store, all, false);
    start(async (signal, onFrame) => {
      const shot: Film = {
        steps,
        // A video has no holes that one could see through.
        look: look.ground === "transparent" ? { ...look, ground: "light" } : look,
        density,
        seek: (step) => seek(store, all, step),
        shown: (until) => stageIsStill(pictures, until),
        composition: () => {
          const chosen = picturesOf(pictures, run);
          const caption = chosen[0]?.panel?.()?.caption ?? [];
          return run === null ? composeStage(chosen) : composePanel(chosen, caption);
        },
        onFrame,
      };
      try {
        const file =
          form === "webm" ? await filmVideo(shot, fps, signal) : await filmPictures(shot, signal);
        const name = fileName([run ?? "stage", selection.seriesName ?? "", "steps"], form);
        download(file, name);
        return `Saved ${name}: ${formatStep(steps.length)} frames, ${megabytes(file.size)}.`;
      } finally {
        store.setState({ step: before });
      }
    });
  };
  return (
    <Dialog title={run === null ? "Animation of all panels" : "Animation"} onClose={onClose}>
      <ExportStyles />
      <form
        className="export-form"
        onSubmit={(event) => {
          event.preventDefault();
          film();
        }}
      >
        <fieldset className="export-fields" disabled={running}>
          <Segmented
            label="File"
            testId="film-format"
            options={[
              { value: "webm", label: "Video (WebM)" },
              { value: "zip", label: "Pictures (PNG, zip)" },
            ]}
            value={form}
            onChange={setForm}
          />
          <div className="export-range">
            <StepField label="From step" value={from} onChange={(n) => setFrom(logged(n))} />
            <StepField label="To step" value={to} onChange={(n) => setTo(logged(n))} />
            <Count
              label="Every"
              value={every}
              options={[1, 2, 5, 10, 20, 50]}
              onChange={setEvery}
            />
            {form === "webm" && (
              <Count label="Frames per second" value={fps} options={SPEEDS} onChange={setFps} />
            )}
          </div>
          <LookControls solid={form === "webm"} />
        </fieldset>
        <p className="export-sentence muted">{lengthOf(steps.length, form, fps)}</p>
        <TaskProgress progress={progress} total={steps.length} doing="Frame" />
        <div className="export-actions">
          {running ? (
            <button type="button" className="button" onClick={cancel}>
              Cancel
            </button>
          ) : (
            <button
              type="submit"
              className="button button-primary"
              data-testid="film"
              disabled={steps.length === 0}
            >
              Make the file
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

function lengthOf(frames: number, form: string, fps: number): string {
  if (frames === 0) return "No step was logged in this range.";
  const count = frames === 1 ? "One frame" : `${formatStep(frames)} frames`;
  const seconds = Math.max(0.1, frames / fps).toFixed(1);
  return form === "webm"
    ? `${count}, ${seconds} s. No step is left out.`
    : `${count}, one file each.`;
}

function megabytes(bytes: number): string {
  return `${Math.max(0.01, bytes / 1e6).toFixed(2)} MB`;
}

interface FieldProps {
  readonly label: string;
  readonly value: number;
  readonly onChange: (value: number) => void;
}

/** A step that was logged: the nearest one to what is typed. */
function StepField({ label, value, onChange }: FieldProps) {
  return (
    <label className="choice">
      <span className="legend">{label}</span>
      <input
        key={value}
        type="number"
        className="text-field"
        min={0}
        defaultValue={value}
        onBlur={(event) => onChange(Number(event.target.value))}
      />
    </label>
  );
}

function Count(props: FieldProps & { readonly options: readonly number[] }) {
  const { label, value, options, onChange } = props;
  return (
    <label className="choice">
      <span className="legend">{label}</span>
      <select value={value} onChange={(event) => onChange(Number(event.target.value))}>
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </label>
  );
}
