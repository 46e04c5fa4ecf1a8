const MINUS = "\u2212";

/** A number for reading: four significant digits, an exponent where zeros would hide them. */
export function formatValue(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "\u221e" : `${MINUS}\u221e`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return withMinus(exponential(value, digits - 1));
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return withMinus(value.toFixed(Math.min(decimals, 8)));
}

/** A number and its standard error, as many decimals as the error can bear: `0.42 ± 0.03`. */
export function formatUncertain(value: number, error: number | null): string {
  if (error === null || !(error > 0) || !Number.isFinite(error) || !Number.isFinite(value)) {
    return formatValue(value, 3);
  }
  const power = Math.floor(Math.log10(error));
  // One digit of the error, two where the first is a 1: rounding that to one would cost half of it.
  const digits = Math.round(error / 10 ** (power - 1)) < 20 ? 2 : 1;
  const decimals = digits - 1 - power;
  const size = Math.max(Math.abs(value), error);
  if (decimals > 8 || size >= 1e6) {
    return `${formatValue(value, 3)} ± ${formatValue(error, digits)}`;
  }
  const rounded = (number: number) => {
    const unit = 10 ** -decimals;
    return (Math.round(number / unit) * unit).toFixed(Math.max(0, decimals));
  };
  return withMinus(`${rounded(value)} ± ${rounded(error)}`);
}

/** A tick's label: as many decimals as the step between ticks needs. */
export function formatTick(value: number, step: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && step >= 1 && size >= 1e4 && size < 1e8) return formatStep(value);
  if (size >= 1e5 || size < 1e-4) return withMinus(exponential(value, 2));
  const decimals = step > 0 ? Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) : 2;
  const text = value.toFixed(Math.min(decimals, 10));
  return withMinus(text.includes(".") ? text.replace(/\.?0+$/, "") : text);
}

/** A label on a logarithmic scale, where one step says nothing about another: short before all. */
export function formatLogTick(value: number): string {
  if (value >= 1e4 || value < 1e-3) return withMinus(exponential(value, 2));
  return `${Number(value.toPrecision(3))}`;
}

/** A coordinate in multiples of a direction. */
export function formatCoordinate(value: number): string {
  return withMinus(`${Math.round(value * 1e4) / 1e4}`);
}

/** Thousands apart, so that large steps can be read. */
// Made once: toLocaleString makes one a call, which a scrub would feel.
const GROUPED = new Intl.NumberFormat("en-US");

export function formatStep(step: number): string {
  return GROUPED.format(step);
}

export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "unknown";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${formatValue(seconds, 3)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** The beginning and the end of a long name, whose difference is often in its middle or its end. */
export function elideMiddle(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const tail = Math.floor((longest - 1) / 2);
  const head = text.slice(0, wholeLetter(text, longest - 1 - tail));
  return `${head}\u2026${text.slice(wholeLetter(text, text.length - tail))}`;
}

/** The place to cut a text near an index so that no letter of two code units falls apart. */
export function wholeLetter(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff ? index - 1 : index;
}

const LONGEST_NAME = 80;

/** A name within a sentence: not too long, and whatever its direction, the sentence keeps its own. */
export function quoted(name: string): string {
  return `\u2068${elideMiddle(name, LONGEST_NAME)}\u2069`;
}

function exponential(value: number, digits: number): string {
  const [mantissa = "", exponent = "0"] = value.toExponential(digits).split("e");
  const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return `${short}e${Number(exponent)}`;
}

function withMinus(text: string): string {
  return text.replaceAll("-", MINUS);
}
