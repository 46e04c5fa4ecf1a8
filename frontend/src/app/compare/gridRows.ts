import type { Found } from "../../data/difference";

/** A head and a row for each sample: its coordinates, its value, and how far off that is at most. */
export function gridRows({ slice, channel }: Found): (string | number)[][] {
  const plane = slice.kind === "plane";
  const axes = slice.axes.slice(0, plane ? 2 : 1);
  const [first, second] = axes.map(({ coordinates }) => coordinates);
  const inner = plane ? (second?.length ?? 1) : 1;
  return [
    [
      ...axes.map(({ name }) => name),
      channel.name,
      ...(channel.errors ? ["standard error from the center, at most"] : []),
    ],
    ...[...channel.values].map((value, i) => [
      first?.[Math.floor(i / inner)] ?? NaN,
      ...(plane ? [second?.[i % inner] ?? NaN] : []),
      value,
      ...(channel.errors ? [channel.errors[i] ?? NaN] : []),
    ]),
  ];
}
