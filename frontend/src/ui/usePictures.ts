import { use, useEffect, type RefObject } from "react";
import type { Size } from "../plot/chart";
import {
  PanelInfoContext,
  PicturesContext,
  StagePicturesContext,
  type Picture,
} from "./plotRegistry";

/** Lets menus draw the picture of an element again, into a file. */
export function usePictures(
  element: RefObject<HTMLElement | null>,
  size: Size,
  draw: Picture["draw"],
  title?: string,
): void {
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
  }, [ofPanel, ofStage, panel, element, size, draw, title]);
}
