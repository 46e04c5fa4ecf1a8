/** Ways to set runs against each other; app/compare/modes.ts holds what each one draws. */
export const COMPARES = [
  "grid",
  "overlay",
  "difference",
  "wipe",
  "table",
  "strip",
  "matrix",
] as const;
export type Compare = (typeof COMPARES)[number];

/** What a film strip has in its columns. */
export const STRIP_COLUMNS = ["step", "series"] as const;
export type StripColumns = (typeof STRIP_COLUMNS)[number];

/** How runs are compared, as the user chose it. */
export interface CompareChoices {
  readonly compare: Compare;
  /** The run that others are compared with. */
  readonly baseRun: string | null;
  /** The step that each run is compared with; nothing where it is compared with the base run. */
  readonly baseStep: number | null;
  /** Where the divider of a wipe stands, in percent from the left. */
  readonly wipe: number;
  readonly stripColumns: StripColumns;
  /** The steps of a film strip; nothing where they are spread evenly. */
  readonly stripSteps: readonly number[] | null;
  /** Whether a table of read-outs leaves out what is the same for all runs. */
  readonly onlyDifferences: boolean;
}

export const DEFAULT_COMPARE_CHOICES: CompareChoices = {
  compare: "grid",
  baseRun: null,
  baseStep: null,
  wipe: 50,
  stripColumns: "step",
  stripSteps: null,
  onlyDifferences: false,
};
