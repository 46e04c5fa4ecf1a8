const TAIL = 7;

/** A name that gives up its middle first: what tells runs apart is often at their ends. */
export function ElidedName({ name }: { readonly name: string }) {
  const cut = name.length > 2 * TAIL ? name.length - TAIL : name.length;
  return (
    <span className="elided" title={name}>
      <span className="elided-start">{name.slice(0, cut)}</span>
      {cut < name.length && <span className="elided-end">{name.slice(cut)}</span>}
    </span>
  );
}
