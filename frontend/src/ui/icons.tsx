const PATHS = {
  first: "M4 3v10M13 3 6.5 8l6.5 5z",
  previous: "M11.5 3 5 8l6.5 5z",
  next: "M4.5 3 11 8l-6.5 5z",
  last: "M12 3v10M3 3l6.5 5L3 13z",
  play: "M4.5 2.5 13 8l-8.5 5.5z",
  pause: "M4.5 3h2.5v10H4.5zM9 3h2.5v10H9z",
  rail: "M2.5 3h11v10h-11zM6.5 3v10",
  inspector: "M2.5 3h11v10h-11zM9.5 3v10",
  tune: "M2.5 5h6M12.5 5h1M10.5 3v4M2.5 11h1M7.5 11h6M5.5 9v4",
  menu: "M8 3.4v.2M8 7.9v.2M8 12.4v.2",
  download: "M8 2.5v7.5M4.5 7 8 10.5 11.5 7M3 13.5h10",
  whole: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  copy: "M6 6h7v7H6zM3 10V3h7",
  close: "m4 4 8 8M12 4l-8 8",
} as const;

const FILLED: readonly string[] = ["previous", "next", "play", "pause", "first", "last"];

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg
      viewBox="0 0 16 16"
      width="16"
      height="16"
      aria-hidden="true"
      fill={FILLED.includes(name) ? "currentColor" : "none"}
      stroke="currentColor"
      strokeWidth={name === "menu" ? 2.2 : 1.4}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
