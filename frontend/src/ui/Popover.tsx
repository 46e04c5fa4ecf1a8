import * as Radix from "@radix-ui/react-popover";
import type { ReactElement, ReactNode } from "react";

interface PopoverProps {
  readonly trigger: ReactElement;
  readonly label: string;
  readonly children: ReactNode;
  readonly align?: "start" | "end";
  /** Where something else than its trigger opens it, too. */
  readonly open?: boolean;
  readonly onOpenChange?: (open: boolean) => void;
}

export function Popover({ trigger, label, children, align = "end", ...state }: PopoverProps) {
  return (
    <Radix.Root {...state}>
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

/** A small button among others in a popover, which closes with it. */
export function PopoverButton({
  children,
  label,
  onSelect,
}: {
  children: ReactNode;
  label: string;
  onSelect: () => void;
}) {
  return (
    <Radix.Close asChild>
      <button type="button" className="button" aria-label={label} onClick={onSelect}>
        {children}
      </button>
    </Radix.Close>
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
