import { COMPARES, STRIP_COLUMNS } from "./compareChoices";
import { DEFAULT_CHOICES, STEP_UNITS, type Choices, type ScaleKind } from "./store";
import { GROUPINGS, RANKINGS, STEP_MODES, type Pin } from "./viewChoices";
import { limited, type Camera } from "../data/camera";
import type { Zoom } from "../data/zoom";

/** How one choice is written as text; reading answers nothing where the text makes no sense. */
interface Codec<T> {
  readonly write: (value: T) => string;
  readonly read: (text: string) => T | undefined;
}

const text: Codec<string | null> = {
  write: (value) => value ?? "",
  read: (value) => (value === "" ? undefined : value),
};

const number: Codec<number | null> = {
  write: (value) => `${value}`,
  read: (value) => (/^\d{1,15}$/.test(value) ? Number(value) : undefined),
};

const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/;

const interval: Codec<readonly [number, number] | null> = {
  write: (value) => value?.join("~") ?? "",
  read: (value) => {
    const ends = value.split("~");
    const [low, high] = ends.map((end) => (NUMBER.test(end) ? Number(end) : NaN));
    const known = low !== undefined && high !== undefined && ends.length === 2;
    return known && low < high && Number.isFinite(high - low) ? [low, high] : undefined;
  },
};

const MOST_NUMBERS = 24;

const numbers: Codec<readonly number[] | null> = {
  write: (value) => value?.join(",") ?? "",
  read: (value) => {
    const found = value.split(",").map((one) => number.read(one));
    const known = found.filter((one) => typeof one === "number");
    return known.length === found.length && known.length <= MOST_NUMBERS ? known : undefined;
  },
};

const percent: Codec<number> = {
  write: (value) => `${value}`,
  read: (value) => (/^\d{1,3}$/.test(value) && Number(value) <= 100 ? Number(value) : undefined),
};

const names: Codec<readonly string[] | null> = {
  // Escaped first, since a run's name may hold a comma; "," alone is a choice too: none at all.
  write: (value) => (value?.length ? value.map(encodeURIComponent).join(",") : ","),
  read: (value) => {
    try {
      return value.split(",").filter(Boolean).map(decodeURIComponent);
    } catch {
      return undefined;
    }
  },
};

const pin: Codec<Pin | null> = {
  write: (value) => (value ? `${value.x},${value.y}` : ""),
  read: (value) => {
    const [x, y, ...more] = value.split(",").map((part) => (part === "" ? NaN : Number(part)));
    if (x === undefined || y === undefined || more.length > 0) return undefined;
    return Number.isFinite(x) && Number.isFinite(y) ? { x, y } : undefined;
  },
};

/** `low~high` along the first axis, or of both with a comma between them. */
const zoom: Codec<Zoom | null> = {
  write: (value) =>
    value ? [value.x, ...(value.y ? [value.y] : [])].map(interval.write).join(",") : "",
  read: (value) => {
    const [x, y, ...more] = value.split(",").map(interval.read);
    const known = x && y !== null && more.length === 0 && (y || !value.includes(","));
    return known ? { x, y: y ?? null } : undefined;
  },
};

const flag: Codec<boolean> = {
  write: (value) => (value ? "1" : "0"),
  read: (value) => (value === "1" ? true : value === "0" ? false : undefined),
};

/** `azimuth,elevation,distance,exaggeration`, and `,flat` where nothing is smaller for being far. */
const camera: Codec<Camera> = {
  write: ({ azimuth, elevation, distance, exaggeration, perspective }) =>
    [azimuth, elevation, distance, exaggeration, ...(perspective ? [] : ["flat"])].join(","),
  read: (value) => {
    const [numbers, flat] = value.endsWith(",flat") ? [value.slice(0, -5), true] : [value, false];
    if (!/^-?[\d.]{1,9}(,[\d.]{1,9}){3}$/.test(numbers)) return undefined;
    const [azimuth = NaN, elevation = NaN, distance = NaN, exaggeration = NaN] = numbers
      .split(",")
      .map(Number);
    if (Number.isNaN(azimuth + elevation + distance + exaggeration)) return undefined;
    return limited({ azimuth, elevation, distance, exaggeration, perspective: !flat });
  },
};

function oneOf<T extends string | null>(...allowed: readonly T[]): Codec<T> {
  return {
    write: (value) => value ?? "",
    read: (value) => allowed.find((candidate) => candidate === value),
  };
}

type Found = { -readonly [K in keyof Choices]?: Choices[K] };

interface Binding {
  readonly write: (choices: Choices, link: Map<string, string>) => void;
  readonly read: (link: ReadonlyMap<string, string>, found: Found) => void;
}

function bind<K extends keyof Choices>(name: K, key: string, codec: Codec<Choices[K]>): Binding {
  return {
    write: (choices, link) => {
      if (choices[name] !== DEFAULT_CHOICES[name]) link.set(key, codec.write(choices[name]));
    },
    read: (link, found) => {
      const written = link.get(key);
      const value = written === undefined ? undefined : codec.read(written);
      if (value !== undefined) found[name] = value;
    },
  };
}

const BINDINGS: readonly Binding[] = [
  bind("runs", "runs", names),
  bind("focusRun", "focus", text),
  bind("method", "method", text),
  bind("series", "series", text),
  bind("channel", "channel", text),
  bind("samples", "res", number),
  bind("view", "view", text),
  bind("focusPoint", "point", number as Codec<number>),
  bind("step", "step", number),
  bind("followLatest", "follow", flag),
  bind("compare", "cmp", oneOf(...COMPARES)),
  bind("baseRun", "base", text),
  bind("baseStep", "bstep", number),
  bind("wipe", "wipe", percent),
  bind("stripColumns", "strip", oneOf(...STRIP_COLUMNS)),
  bind("stripSteps", "columns", numbers),
  bind("onlyDifferences", "diff", flag),
  bind("scale", "scale", oneOf<ScaleKind | null>("linear", "log", "symlog")),
  bind("range", "range", oneOf("panel", "run", "all", "fixed")),
  bind("fixedRange", "fix", interval),
  bind("colorMap", "cm", oneOf("viridis", "cividis", "magma", "gray")),
  bind("smooth", "smooth", flag),
  bind("clip", "clip", flag),
  bind("stepMode", "steps", oneOf(...STEP_MODES)),
  bind("skins", "skins", number as Codec<number>),
  bind("pin", "pin", pin),
  bind("zoom", "zoom", zoom),
  bind("ranking", "rank", oneOf(...RANKINGS)),
  bind("grouping", "group", oneOf(...GROUPINGS)),
  bind("everyFocusPoint", "points", flag),
  bind("find", "find", text as Codec<string>),
  bind("everyCurve", "curves", flag),
  bind("stepUnit", "unit", oneOf(...STEP_UNITS)),
  bind("camera", "cam", camera),
  bind("wireframe", "wire", flag),
];

/** The choices that differ from the defaults, as keys of the deep link. */
export function writeChoices(choices: Choices): Map<string, string> {
  const link = new Map<string, string>();
  for (const { write } of BINDINGS) write(choices, link);
  if (choices.followLatest) {
    link.delete("follow");
    link.set("step", "latest");
  }
  if (link.size > 0) link.set("v", "1");
  return link;
}

/** Whole choices from a deep link: what it does not name, or names badly, is the default. */
export function readChoices(link: ReadonlyMap<string, string>): Choices {
  const found: Found = {};
  for (const { read } of BINDINGS) read(link, found);
  const followLatest = link.get("step") === "latest";
  return { ...DEFAULT_CHOICES, ...found, ...(followLatest && { followLatest }) };
}
