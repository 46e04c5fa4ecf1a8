import { use, useEffect, useRef } from "react";
import type { Size } from "../plot/chart";
import type { Surface2D } from "../plot/surface";
import {
  PanelInfoContext,
  PicturesContext,
  StagePicturesContext,
  type Picture,
} from "./plotRegistry";

/** Lets menus draw a picture again, into a file; the element that it is shown in. */
export function usePictures(size: Size, draw: (surface: Surface2D) => void, title?: string) {
  const element = useRef<HTMLDivElement>(null);
  const ofPanel = use(PicturesContext);
  const ofStage = use(StagePicturesContext);
  const panel = use(PanelInfoContext);
  useEffect(() => {
    const own: Picture = { size, draw, title, panel, element: () => element.current };
    ofPanel?.add(own);
    ofStage?.add(own);
    return () => {
      ofPanel?.delete(own);
      ofStage?.delete(own);
    };
  }, [ofPanel, ofStage, panel, size, draw, title]);
  return element;
}
