/** What it takes to draw a panel's slice again in Python. */
export interface Redrawn {
  /** Where TensorBoard found it; empty where it does not tell. */
  readonly logdir: string;
  readonly run: string;
  readonly series: string;
  readonly step: number;
  readonly channel: string;
  /** Counted from 0; nothing where all are drawn, or where there is only one. */
  readonly focusPoint: number | null;
  readonly stride: number;
  readonly scale: "linear" | "log";
  /** Whether the picture shows all steps. */
  readonly allSteps: boolean;
}

/** Python that reads the slice from the log directory and draws it with matplotlib. */
export function snippetOf(shown: Redrawn): string {
  const { logdir, run, series, step, channel, focusPoint, stride, scale, allSteps } = shown;
  const options = [`scale=${python(scale)}`];
  if (focusPoint !== null) options.push(`focus_point=${focusPoint}`);
  const coarse = stride === 1 ? "" : `.coarsen(${stride})`;
  const what = allSteps ? "series" : `series[${step}]${coarse}`;
  return [
    "import pysclice as ps",
    "",
    logdir === ""
      ? 'logdir = "runs"  # the directory that TensorBoard was started with'
      : `logdir = ${python(logdir)}`,
    `series = ps.read_slices(logdir)[${python(run)}][${python(series)}]`,
    `figure = ps.plot(${[what, python(channel), ...options].join(", ")})`,
    'figure.savefig("slice.pdf")',
    "",
  ].join("\n");
}

// JSON's texts are Python's, save that Python's lines end at a few more characters.
function python(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u00a0\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
