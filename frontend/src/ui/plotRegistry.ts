import { createContext } from "react";
import type { Size } from "../plot/chart";
import type { Surface2D } from "../plot/surface";

export interface Picture {
  readonly size: Size;
  readonly draw: (surface: Surface2D) => void;
}

/** The pictures of a panel, so that its menu can draw them again into a file. */
export const PicturesContext = createContext<Set<Picture> | null>(null);
