import type { View } from "../view";
import { EigenvaluesView } from "./EigenvaluesView";
import { historySentences } from "./eigenvaluesModel";
import { largestEigenvalue, SPECTRUM_NOTES } from "./spectrumModel";
import { isSpectrum } from "./spectrumView";

export const eigenvaluesView: View = {
  id: "eigenvalues",
  label: "Over steps",
  supports: isSpectrum,
  Component: EigenvaluesView,
  overlays: true,
  colors: false,
  needsAllSteps: true,
  allFocusPoints: false,
  dots: false,
  notes: [...SPECTRUM_NOTES, "learning_rate"],
  sentences: historySentences,
  headline: largestEigenvalue,
};
