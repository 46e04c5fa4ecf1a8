import { useEffect, useRef, useState, type ReactNode } from "react";

interface WhileSeenProps {
  readonly className: string;
  readonly children: ReactNode;
}

/**
 * A box whose content keeps up only while it can be seen: of thirty panels most are scrolled away,
 * and in a hidden tab all are. It shows at once what it missed.
 */
export function WhileSeen({ className, children }: WhileSeenProps) {
  const box = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState(true);
  const [shown, setShown] = useState(children);
  useEffect(() => {
    if (!box.current || typeof IntersectionObserver === "undefined") return undefined;
    const observer = new IntersectionObserver((entries) => {
      setSeen(entries.at(-1)?.isIntersecting ?? true);
    }, NEARBY);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  if (seen && shown !== children) setShown(children);
  return (
    <div ref={box} className={className}>
      {seen ? children : shown}
    </div>
  );
}

// A little before it is scrolled to.
const NEARBY = { rootMargin: "100px" };
