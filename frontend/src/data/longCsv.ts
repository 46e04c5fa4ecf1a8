import { toCsv } from "./csv";
import type { Slice } from "./slice";

interface Found {
  readonly run: string;
  readonly slice: Slice;
}

/** One line a value, with the columns of the server's CSV files; see `http_api.md`. */
export function longCsv(found: readonly Found[]): string {
  const names = [...new Set(found.flatMap(({ slice }) => slice.channels.map(({ name }) => name)))];
  const estimated = names.filter((name) =>
    found.some(({ slice }) => slice.channels.some((own) => own.name === name && own.errors)),
  );
  const planes = found.some(({ slice }) => slice.kind === "plane");
  const sparse = found.some(({ slice }) => slice.evaluated);
  const head = [
    ...["run", "series", "step", "focus_point", "line", "x", ...(planes ? ["y"] : [])],
    ...names,
    ...estimated.map((name) => `${name} standard error`),
    ...(sparse ? ["evaluated"] : []),
  ];
  const rows = found.flatMap(({ run, slice }) => {
    const channel = (name: string) => slice.channels.find((own) => own.name === name);
    const columns = [
      ...names.map((name) => channel(name)?.values),
      ...estimated.map((name) => channel(name)?.errors),
    ];
    return [...places(slice)].map(({ focusPoint, line, coordinates, at }) => [
      ...[plain(run), plain(slice.series), slice.step, plain(focusPoint), plain(line)],
      ...coordinates.slice(0, planes ? 2 : 1),
      ...columns.map((values) => (values ? shortest(values[at] ?? NaN) : "")),
      ...(sparse ? [slice.evaluated?.[at] ?? 1] : []),
    ]);
  });
  return toCsv([head.map(plain), ...rows]);
}

/** Where each value of a slice stands, in the order of the values. */
function* places({ kind, shape, axes, focusPoints }: Slice) {
  const [points, lines, samples] = shape;
  for (let at = 0; at < points * lines * samples; at += 1) {
    const j = at % samples;
    const i = Math.floor(at / samples) % lines;
    const focusPoint = focusPoints[Math.floor(at / (lines * samples))] ?? "";
    const [first, second] = kind === "plane" ? [axes[0], axes[1]] : [axes[i], undefined];
    const x = first?.coordinates[kind === "plane" ? i : j] ?? NaN;
    const y = second ? (second.coordinates[j] ?? NaN) : "";
    yield { focusPoint, line: second ? "" : (first?.name ?? ""), coordinates: [x, y], at };
  }
}

/** The fewest digits that give back the same float32. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits += 1) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return Number.isFinite(value) ? Number(value.toPrecision(9)) : value;
}

/** A text that no spreadsheet takes for a formula; names may come from a stranger's files. */
function plain(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
