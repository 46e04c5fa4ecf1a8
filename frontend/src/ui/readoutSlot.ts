import { createContext } from "react";

/** The place in a panel's head where the value under the cursor is printed. */
export const ReadoutSlot = createContext<HTMLElement | null>(null);
