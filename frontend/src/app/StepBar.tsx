import { useState } from "react";
import { formatStep } from "../plot/format";
import { changeSpeed, seek, setFollowing, setPlaying, stepBy } from "../state/actions";
import type { Selection } from "../state/selection";
import { SPEEDS } from "../state/store";
import { useAppState, useServices } from "../ui/context";
import { IconButton } from "../ui/IconButton";
import { NewData } from "./NewData";
import { StepSlider } from "./StepSlider";
import { useStep } from "./useSelection";

export function StepBar({ selection }: { readonly selection: Selection }) {
  const { store } = useServices();
  const { steps } = selection;
  const step = useStep(selection);
  const playing = useAppState((state) => state.playing);
  const following = useAppState((state) => state.followLatest);
  const framesPerSecond = useAppState((state) => state.framesPerSecond);
  const latest = steps.at(-1) ?? 0;
  const alone = steps.length < 2;
  return (
    <footer className="step-bar" aria-label="Training step">
      <div className="step-buttons">
        <IconButton
          icon="first"
          label="First step"
          shortcut="Home"
          disabled={alone}
          onClick={() => seek(store, steps, steps[0] ?? 0)}
        />
        <IconButton
          icon="previous"
          label="Previous step"
          shortcut="Left"
          disabled={alone}
          onClick={() => stepBy(store, steps, -1)}
        />
        <IconButton
          icon={playing ? "pause" : "play"}
          label={playing ? "Pause" : "Play"}
          shortcut="Space"
          className="play"
          data-testid="play"
          disabled={alone}
          onClick={() => setPlaying(store, steps, !playing)}
        />
        <IconButton
          icon="next"
          label="Next step"
          shortcut="Right"
          disabled={alone}
          onClick={() => stepBy(store, steps, 1)}
        />
        <IconButton
          icon="last"
          label="Last step"
          shortcut="End"
          disabled={alone}
          onClick={() => seek(store, steps, latest)}
        />
      </div>
      <StepSlider selection={selection} step={step} />
      <StepInput key={step} step={step} steps={steps} />
      <label className="speed" title="Frames per second (- and =)">
        <span className="visually-hidden">Frames per second</span>
        <select
          value={framesPerSecond}
          onChange={(event) => {
            const by =
              SPEEDS.findIndex((speed) => `${speed}` === event.target.value) -
              SPEEDS.findIndex((speed) => speed === framesPerSecond);
            changeSpeed(store, by);
          }}
        >
          {SPEEDS.map((speed) => (
            <option key={speed} value={speed}>
              {speed} fps
            </option>
          ))}
        </select>
      </label>
      <NewData selection={selection} />
      <button
        type="button"
        className="toggle"
        data-testid="follow"
        aria-pressed={following}
        title="Go to new steps as they are logged (L)"
        onClick={() => setFollowing(store, steps, !following)}
      >
        <span className="toggle-dot" />
        Follow latest
      </button>
    </footer>
  );
}

/** The step as a number that can be typed; it snaps to a logged one and says so. */
function StepInput({ step, steps }: { readonly step: number; readonly steps: readonly number[] }) {
  const { store } = useServices();
  const [typed, setTyped] = useState<string | null>(null);
  const commit = () => {
    const wanted = Number((typed ?? "").replaceAll(/[\s,_]/g, ""));
    if (typed !== null && typed.trim() !== "" && Number.isFinite(wanted)) {
      const reached = seek(store, steps, wanted);
      if (reached !== null && reached !== wanted) announceSnap(store, wanted, reached);
    }
    setTyped(null);
  };
  return (
    <label className="step-input">
      <span>Step</span>
      <input
        type="text"
        inputMode="numeric"
        data-testid="step-input"
        aria-label="Go to step"
        value={typed ?? formatStep(step)}
        size={Math.max(5, formatStep(steps.at(-1) ?? 0).length)}
        onFocus={(event) => event.target.select()}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === "Enter") commit();
          if (event.key === "Escape") setTyped(null);
        }}
      />
      <output data-testid="step-readout" data-step={step} className="visually-hidden">
        {step}
      </output>
    </label>
  );
}

function announceSnap(
  store: ReturnType<typeof useServices>["store"],
  wanted: number,
  reached: number,
) {
  store.setState({
    notice: `Step ${formatStep(wanted)} was not logged; this is the nearest, ${formatStep(reached)}.`,
  });
}
