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
  supports: (layout) => layout.kind === "spectrum" && layout.shape.length === 3,
  Component: SpectrumView,
  overlays: true,
  colors: false,
  needsAllSteps: false,
  allFocusPoints: false,
  dots: false,
  notes: SPECTRUM_NOTES,
  domain: aroundDensity,
  sentences: spectrumSentences,
  headline: largestEigenvalue,
};
