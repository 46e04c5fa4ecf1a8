const FULL = 1;
const REDUCED = 0.5;
// A graphics card takes a tenth of it; a processor that stands in for one takes longer, and six
// surfaces have to be drawn within a frame.
const SLOW_MS = 1.5;
const QUICK_MS = 0.3;
const WEIGHT = 0.2;

/**
 * How finely a surface is drawn while it is turned: where drawing one takes long, with fewer samples
 * and fewer pixels. At rest all are drawn as finely as they are.
 */
export class Fineness {
  private mean = 0;
  private current = FULL;

  /** How many pixels it gets a side, as a share of the usual. */
  get share(): number {
    return this.current;
  }

  get coarse(): boolean {
    return this.current < FULL;
  }

  /** How long drawing a surface took. */
  note(ms: number): void {
    this.mean += WEIGHT * (ms - this.mean);
    if (this.mean > SLOW_MS) this.current = REDUCED;
    // Far below: what is quick only because it is small stays small.
    else if (this.mean < QUICK_MS) this.current = FULL;
  }
}
