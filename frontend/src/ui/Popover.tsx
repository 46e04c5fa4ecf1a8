import * as Radix from "@radix-ui/react-popover";
import type { ReactElement, ReactNode } from "react";

interface PopoverProps {
  readonly trigger: ReactElement;
  readonly label: string;
  readonly children: ReactNode;
  readonly align?: "start" | "end";
}

export function Popover({ trigger, label, children, align = "end" }: PopoverProps) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Content
        className="popover"
        align={align}
        sideOffset={4}
        collisionPadding={8}
        aria-label={label}
      >
        {children}
      </Radix.Content>
    </Radix.Root>
  );
}

/** Closes the popover that it stands in when it is chosen. */
export function PopoverItem({ children, onSelect }: { children: ReactNode; onSelect: () => void }) {
  return (
    <Radix.Close asChild>
      <button type="button" className="popover-item" onClick={onSelect}>
        {children}
      </button>
    </Radix.Close>
  );
}
