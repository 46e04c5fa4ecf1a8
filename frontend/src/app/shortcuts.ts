import { DEFAULT_CAMERA } from "../data/camera";
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
import type { RangeScope, Store } from "../state/store";
import { viewsFor } from "../views/registry";
import { MODES } from "./compare/modes";

/** What keys act on. */
export interface KeyContext {
  readonly store: Store;
  readonly selection: Selection;
  readonly focusFilter: () => void;
  readonly copyLink: () => void;
}

type Act = (context: KeyContext) => void;

interface Shortcut {
  /** As the sheet prints them. */
  readonly keys: readonly string[];
  readonly does: string;
  /** By the name of the key, in lower case where it is a letter, after "Shift+" where that counts. */
  readonly on: Readonly<Record<string, Act>>;
}

interface ListedElsewhere extends Omit<Shortcut, "on"> {
  /** What has the focus handles the key itself. */
  readonly on?: never;
}

interface Section {
  readonly title: string;
  readonly shortcuts: readonly (Shortcut | ListedElsewhere)[];
}

const step =
  (by: number): Act =>
  ({ store, selection }) =>
    stepBy(store, selection.steps, by);

const end =
  (place: 0 | -1): Act =>
  ({ store, selection: { steps } }) =>
    void seek(store, steps, steps.at(place) ?? 0);

const speed =
  (by: number): Act =>
  ({ store }) =>
    changeSpeed(store, by);

const focus =
  (by: number): Act =>
  ({ store, selection }) =>
    moveFocus(store, selection, by);

const view =
  (place: number): Act =>
  ({ store, selection }) => {
    const chosen = viewsFor(selection.layout)[place];
    if (chosen) store.setState({ view: chosen.id, cursor: null });
  };

const VIEW_KEYS = Array.from({ length: 9 }, (_, place) => [`${place + 1}`, view(place)] as const);

/** All keys of the page: the sheet lists them, and `handleKey` does what they stand for. */
export const SHORTCUTS: readonly Section[] = [
  {
    title: "Steps",
    shortcuts: [
      {
        keys: ["←", "→"],
        does: "Previous, next step",
        on: { ArrowLeft: step(-1), ArrowRight: step(1) },
      },
      {
        keys: ["Shift ←", "Shift →"],
        does: "Ten steps at once",
        on: { "Shift+ArrowLeft": step(-10), "Shift+ArrowRight": step(10) },
      },
      { keys: ["Home", "End"], does: "First, last step", on: { Home: end(0), End: end(-1) } },
      {
        keys: ["Space"],
        does: "Play or pause",
        on: {
          " ": ({ store, selection }) =>
            setPlaying(store, selection.steps, !store.getState().playing),
        },
      },
      {
        keys: ["-", "="],
        does: "Slower, faster",
        on: { "-": speed(-1), "=": speed(1), "+": speed(1) },
      },
      {
        keys: ["L"],
        does: "Follow the latest step",
        on: {
          l: ({ store, selection }) =>
            setFollowing(store, selection.steps, !store.getState().followLatest),
        },
      },
    ],
  },
  {
    title: "View",
    shortcuts: [
      {
        keys: ["1", "2", "3"],
        does: "The views, from left to right",
        on: Object.fromEntries(VIEW_KEYS),
      },
      {
        keys: ["Y"],
        does: "Linear, logarithmic or symlog scale",
        on: { y: ({ store, selection }) => store.setState({ scale: NEXT_SCALE[selection.scale] }) },
      },
      {
        keys: ["P"],
        does: "One scale for all panels, for a run, for each panel",
        on: { p: ({ store }) => store.setState({ range: nextRange(store) }) },
      },
      {
        keys: ["R"],
        does: "Camera, zoom, pin and cursor as they were at first",
        on: {
          r: ({ store }) =>
            store.setState({ camera: DEFAULT_CAMERA, zoom: null, pin: null, cursor: null }),
        },
      },
      {
        keys: ["J", "K"],
        does: "Focus the next, previous run",
        on: { j: focus(1), k: focus(-1) },
      },
      {
        keys: ["F"],
        does: "Only the panel in focus, or all again",
        on: { f: ({ store }) => store.setState(({ alone }) => ({ alone: !alone })) },
      },
    ],
  },
  {
    title: "Compare",
    shortcuts: [
      ...MODES.map(({ id, key, does }) => ({
        keys: [key.toUpperCase()],
        does,
        on: { [key]: ({ store }: KeyContext) => store.setState({ compare: id }) },
      })),
      {
        keys: ["S"],
        does: "Make the run in focus, or this step, the base",
        on: { s: ({ store, selection }) => setBase(store, selection) },
      },
    ],
  },
  {
    title: "Page",
    shortcuts: [
      {
        keys: ["/"],
        does: "Filter runs",
        on: {
          "/": ({ store, focusFilter }) => {
            store.setState({ railOpen: true });
            focusFilter();
          },
        },
      },
      {
        keys: ["X", "Shift X"],
        does: "Hide or show the run in focus, show only it",
        on: {
          x: ({ store, selection }) => {
            if (selection.focus) toggleRun(store, selection, selection.focus.run.name);
          },
          "Shift+x": ({ store, selection }) => {
            if (selection.focus) setVisible(store, selection, [selection.focus.run.name]);
          },
        },
      },
      {
        keys: ["["],
        does: "Show or hide the runs",
        on: { "[": ({ store }) => store.setState(({ railOpen }) => ({ railOpen: !railOpen })) },
      },
      {
        keys: ["I"],
        does: "Show or hide the inspector",
        on: {
          i: ({ store }) =>
            store.setState(({ inspectorOpen }) => ({ inspectorOpen: !inspectorOpen })),
        },
      },
      {
        keys: ["E"],
        does: "Export",
        on: { e: ({ store }) => store.setState({ exportMenuOpen: true }) },
      },
      { keys: ["C"], does: "Copy the link to this view", on: { c: ({ copyLink }) => copyLink() } },
      {
        keys: ["?"],
        does: "This sheet",
        on: { "?": ({ store }) => store.setState({ helpOpen: true }) },
      },
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
      { keys: ["+", "-"], does: "Show less of a plane or a line, or more, as the wheel does" },
      { keys: ["Enter"], does: "Pin a cross-section, name a curve, go to a step" },
      { keys: ["Esc"], does: "Unpin, or leave it" },
    ],
  },
];

const ACTS = new Map(
  SHORTCUTS.flatMap(({ shortcuts }) => shortcuts.flatMap(({ on }) => Object.entries(on ?? {}))),
);

/** Does what a key stands for; answers whether it stood for anything. */
export function handleKey(key: string, shift: boolean, context: KeyContext): boolean {
  const name = key.length === 1 ? key.toLowerCase() : key;
  const act = (shift ? ACTS.get(`Shift+${name}`) : undefined) ?? ACTS.get(name);
  act?.(context);
  return act !== undefined;
}

function nextRange(store: Store): RangeScope {
  const { range, fixedRange } = store.getState();
  const scopes: RangeScope[] = fixedRange
    ? ["all", "run", "panel", "fixed"]
    : ["all", "run", "panel"];
  return scopes[(scopes.indexOf(range) + 1) % scopes.length] ?? "all";
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
