import { changeSpeed, seek, setFollowing, setPlaying, stepBy } from "../state/actions";
import type { Selection } from "../state/selection";
import { SPEEDS } from "../state/store";
import { useAppState, useServices } from "../ui/context";
import { IconButton } from "../ui/IconButton";
import { Paced } from "../ui/moving";
import { NewData } from "./NewData";
import { StepInput } from "./StepInput";
import { StepSlider } from "./StepSlider";
import { useStep } from "./useSelection";

export function StepBar({ selection }: { readonly selection: Selection }) {
  const { store } = useServices();
  const { steps } = selection;
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
      <StepPlace selection={selection} />
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

/** Where among the steps one is: all of the bar that changes with every step. */
function StepPlace({ selection }: { readonly selection: Selection }) {
  const step = useStep(selection);
  return (
    <>
      <StepSlider selection={selection} step={step} />
      <Paced>
        <StepInput step={step} selection={selection} />
      </Paced>
    </>
  );
}
