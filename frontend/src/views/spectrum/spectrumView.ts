import type { Layout } from "../../data/catalog";
import { lineSampleAt } from "../line/lineModel";
import type { View } from "../view";
import {
  aroundDensity,
  largestEigenvalue,
  SPECTRUM_NOTES,
  spectrumSentences,
} from "./spectrumModel";
import { SpectrumView } from "./SpectrumView";

export const spectrumView: View = {
  id: "spectrum",
  label: "Spectrum",
  supports: isSpectrum,
  Component: SpectrumView,
  overlays: true,
  colors: false,
  needsAllSteps: false,
  allFocusPoints: false,
  dots: false,
  notes: SPECTRUM_NOTES,
  domain: aroundDensity,
  sentences: spectrumSentences,
  sampleAt: lineSampleAt,
  headline: largestEigenvalue,
};

export function isSpectrum(layout: Layout): boolean {
  return layout.kind === "spectrum" && layout.shape.length === 3;
}
