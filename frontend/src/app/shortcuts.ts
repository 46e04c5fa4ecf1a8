import {
  changeSpeed,
  moveFocus,
  seek,
  setBase,
  setFollowing,
  setPlaying,
  setVisible,
  stepBy,
  toggleRun,
} from "../state/actions";
import type { Selection } from "../state/selection";
import type { Store } from "../state/store";
import { MODES } from "./compare/modes";

interface Shortcut {
  /** As the sheet prints them. */
  readonly keys: readonly string[];
  readonly does: string;
}

export const SHORTCUTS: readonly { title: string; shortcuts: readonly Shortcut[] }[] = [
  {
    title: "Steps",
    shortcuts: [
      { keys: ["←", "→"], does: "Previous, next step" },
      { keys: ["Shift ←", "Shift →"], does: "Ten steps at once" },
      { keys: ["Home", "End"], does: "First, last step" },
      { keys: ["Space"], does: "Play or pause" },
      { keys: ["-", "="], does: "Slower, faster" },
      { keys: ["L"], does: "Follow the latest step" },
    ],
  },
  {
    title: "View",
    shortcuts: [
      { keys: ["Y"], does: "Linear, logarithmic or symlog scale" },
      { keys: ["J", "K"], does: "Focus the next, previous run" },
    ],
  },
  {
    title: "Compare",
    shortcuts: [
      ...MODES.map(({ key, does }) => ({ keys: [key.toUpperCase()], does })),
      { keys: ["S"], does: "Make the run in focus, or this step, the base" },
    ],
  },
  {
    title: "Page",
    shortcuts: [
      { keys: ["/"], does: "Filter runs" },
      { keys: ["X", "Shift X"], does: "Hide or show the run in focus, show only it" },
      { keys: ["["], does: "Show or hide the runs" },
      { keys: ["?"], does: "This sheet" },
    ],
  },
  {
    title: "In a surface that has the focus",
    shortcuts: [
      { keys: ["Alt ←", "Alt →", "Alt ↑", "Alt ↓"], does: "Go around it" },
      { keys: ["+", "-"], does: "Nearer, farther" },
      { keys: ["1", "2", "3", "4"], does: "From the top, front, side, corner" },
    ],
  },
  {
    title: "In a picture that has the focus",
    shortcuts: [
      { keys: ["←", "→", "↑", "↓"], does: "Move to the next sample" },
      { keys: ["Enter"], does: "Pin a cross-section, name a curve" },
      { keys: ["Esc"], does: "Unpin, or leave it" },
    ],
  },
];

/** Does what a key stands for; answers whether it stood for anything. */
export function handleKey(
  key: string,
  shift: boolean,
  store: Store,
  selection: Selection,
  focusFilter: () => void,
): boolean {
  const { steps } = selection;
  const state = store.getState();
  switch (key.length === 1 ? key.toLowerCase() : key) {
    case "ArrowLeft":
      stepBy(store, steps, shift ? -10 : -1);
      return true;
    case "ArrowRight":
      stepBy(store, steps, shift ? 10 : 1);
      return true;
    case "Home":
      seek(store, steps, steps[0] ?? 0);
      return true;
    case "End":
      seek(store, steps, steps.at(-1) ?? 0);
      return true;
    case " ":
      setPlaying(store, steps, !state.playing);
      return true;
    case "-":
      changeSpeed(store, -1);
      return true;
    case "=":
    case "+":
      changeSpeed(store, 1);
      return true;
    case "l":
      setFollowing(store, steps, !state.followLatest);
      return true;
    case "y":
      store.setState({ scale: NEXT_SCALE[selection.scale] });
      return true;
    case "s":
      setBase(store, selection);
      return true;
    case "j":
      moveFocus(store, selection, 1);
      return true;
    case "k":
      moveFocus(store, selection, -1);
      return true;
    case "x": {
      const name = selection.focus?.run.name;
      if (name === undefined) return false;
      if (shift) setVisible(store, selection, [name]);
      else toggleRun(store, selection, name);
      return true;
    }
    case "/":
      store.setState({ railOpen: true });
      focusFilter();
      return true;
    case "[":
      store.setState({ railOpen: !state.railOpen });
      return true;
    case "?":
      store.setState({ helpOpen: true });
      return true;
    default: {
      const mode = MODES.find((candidate) => candidate.key === key.toLowerCase());
      if (mode) store.setState({ compare: mode.id });
      return mode !== undefined;
    }
  }
}

const NEXT_SCALE = { linear: "log", log: "symlog", symlog: "linear" } as const;

/** Keys belong to whoever is typing, and Space to the button that has the focus. */
export function keyIsTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("dialog, [role=dialog], textarea, select, [contenteditable]")) return true;
  if (target instanceof HTMLInputElement) {
    const typed = !["checkbox", "radio"].includes(target.type);
    return typed || event.key.startsWith("Arrow") || event.key === " ";
  }
  return event.key === " " && target.closest("button, summary") !== null;
}
