import { memo } from "react";
import { wholeLetter } from "../plot/format";

const TAIL = 7;

/** A name that gives up its middle first: what tells runs apart is often at their ends. */
export const ElidedName = memo(function ElidedName({ name }: { readonly name: string }) {
  const line = name.replaceAll(/[\n\r\u2028\u2029]/g, "\u21b5");
  const cut = line.length > 2 * TAIL ? wholeLetter(line, line.length - TAIL) : line.length;
  return (
    <bdi className="elided" title={name}>
      <bdi className="elided-start">{line.slice(0, cut)}</bdi>
      {cut < line.length && <bdi className="elided-end">{line.slice(cut)}</bdi>}
    </bdi>
  );
});
