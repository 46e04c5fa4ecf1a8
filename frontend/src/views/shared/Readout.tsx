import { use } from "react";
import { createPortal } from "react-dom";
import { ReadoutSlot } from "../../ui/readoutSlot";
import { formatCoordinate, formatValue } from "../../plot/format";
import { halfText } from "./errors";

interface ReadoutProps {
  /** The stored value in full; what is printed is shorter. */
  readonly value: number;
  readonly coordinates: readonly number[];
  /** Half of its 95 % interval, where that is known. */
  readonly half?: number;
  /** Whether that is known only to be no larger. */
  readonly atMost?: boolean;
  readonly interpolated?: boolean;
  /** Where that is, where coordinates in parentheses do not say it. */
  readonly place?: string;
  readonly name?: string;
  readonly color?: string;
  /** How many digits are printed. */
  readonly digits?: number;
  /** More of it, left out where there is no room. */
  readonly detail?: string;
}

/** The value under the cursor and where that is: in the panel's head, or in place without one. */
export function Readout(props: ReadoutProps) {
  const {
    value,
    coordinates,
    half,
    atMost,
    interpolated = false,
    place,
    name,
    color,
    detail,
    digits = 5,
  } = props;
  const slot = use(ReadoutSlot);
  const readout = (
    <span
      className="readout"
      data-testid="cursor-readout"
      data-value={`${value}`}
      data-coordinates={coordinates.join(",")}
    >
      {color && <span className="readout-swatch" style={{ background: color }} />}
      {name !== undefined && <span className="readout-name">{name}</span>}{" "}
      <span className="readout-place">
        {place ?? `(${coordinates.map(formatCoordinate).join(", ")})`}
      </span>{" "}
      <b>{formatValue(value, digits)}</b>
      {half !== undefined && <span className="readout-half"> {halfText(half, atMost)}</span>}
      {detail !== undefined && <span className="readout-detail"> {detail}</span>}
      {interpolated && <span className="readout-place"> interpolated</span>}
    </span>
  );
  return slot ? createPortal(readout, slot) : readout;
}
