import type { ReactNode } from "react";

interface ScrollRegionProps {
  readonly className: string;
  readonly label: string;
  readonly busy?: boolean;
  readonly children: ReactNode;
}

/** What may be larger than its room: it takes the focus, so that keys scroll it too. */
export function ScrollRegion({ className, label, busy, children }: ScrollRegionProps) {
  return (
    <div
      className={className}
      role="region"
      aria-label={label}
      aria-busy={busy}
      // The rule takes regions for what only stands there; one that scrolls has to be reached.
      tabIndex={0} // eslint-disable-line jsx-a11y/no-noninteractive-tabindex
    >
      {children}
    </div>
  );
}
