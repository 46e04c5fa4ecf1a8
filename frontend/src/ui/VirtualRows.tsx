import { useEffect, useLayoutEffect, useRef, useState, type ReactNode, type UIEvent } from "react";

interface VirtualRowsProps {
  readonly className: string;
  readonly count: number;
  /** Pixels; all rows have the same. */
  readonly rowHeight: number;
  /** The row that has to be on screen whenever it becomes another one; -1 for none. */
  readonly current: number;
  readonly row: (index: number) => ReactNode;
  readonly empty: ReactNode;
}

const FEW = 60;
const BEYOND = 8;
const USUAL_HEIGHT = 720;

/** A list of which only the rows on screen, and a few around them, are in the document. */
export function VirtualRows(props: VirtualRowsProps) {
  const { className, count, rowHeight, current, row, empty } = props;
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(USUAL_HEIGHT);
  useEffect(() => {
    if (!list.current || typeof ResizeObserver === "undefined") return undefined;
    const observer = new ResizeObserver(([entry]) => {
      const room = entry?.contentRect.height ?? 0;
      if (room > 0) setHeight(room);
    });
    observer.observe(list.current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    const element = list.current;
    if (!element || current < 0) return;
    const above = current * rowHeight;
    const room = element.clientHeight;
    if (above < element.scrollTop) element.scrollTop = above;
    else if (above + rowHeight > element.scrollTop + room)
      element.scrollTop = above + rowHeight - room;
  }, [current, rowHeight]);
  const whole = count <= FEW;
  const first = whole ? 0 : Math.max(0, Math.floor(top / rowHeight) - BEYOND);
  const last = whole ? count : Math.min(count, Math.ceil((top + height) / rowHeight) + BEYOND);
  const onScroll = (event: UIEvent<HTMLElement>) => {
    // By whole rows: between two of them nothing changes.
    const rows = Math.floor(event.currentTarget.scrollTop / rowHeight);
    setTop(rows * rowHeight);
  };
  return (
    <ul ref={list} className={className} onScroll={onScroll}>
      {first > 0 && <li aria-hidden="true" style={{ height: first * rowHeight }} />}
      {Array.from({ length: Math.max(0, last - first) }, (_, i) => row(first + i))}
      {last < count && <li aria-hidden="true" style={{ height: (count - last) * rowHeight }} />}
      {count === 0 && empty}
    </ul>
  );
}
