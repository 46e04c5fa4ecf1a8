import type { DrawnMesh, MeshJob, MeshRenderer } from "./glRenderer";

/**
 * Draws the surfaces of all panels at once: whoever takes a picture off the graphics card waits for
 * it, and waiting once takes much shorter than waiting for every panel.
 */
export class MeshBatch {
  private readonly waiting = new Map<object, MeshJob>();
  private readonly drawn = new Map<object, { readonly job: MeshJob; readonly place: DrawnMesh }>();

  constructor(private readonly renderer: MeshRenderer) {}

  /** What a panel will take in the next frame. */
  prepare(panel: object, job: MeshJob): void {
    this.waiting.set(panel, job);
  }

  /** A panel that is gone takes nothing. */
  forget(panel: object): void {
    this.waiting.delete(panel);
    this.drawn.delete(panel);
  }

  /** The picture of a panel, to be copied at once; nothing once the card is lost. */
  take(panel: object, job: MeshJob): DrawnMesh | null {
    const known = this.drawn.get(panel);
    this.forget(panel);
    if (known && isSame(known.job, job)) return known.place;
    const others = [...this.waiting];
    const places = this.renderer.draw([job, ...others.map(([, waiting]) => waiting)]);
    // What was drawn before is gone from the canvas.
    this.drawn.clear();
    if (!places) return null;
    for (const [n, place] of places.slice(1).entries()) {
      const other = others[n];
      if (!other) break;
      this.waiting.delete(other[0]);
      this.drawn.set(other[0], { job: other[1], place });
    }
    return places[0] ?? null;
  }
}

function isSame(a: MeshJob, b: MeshJob): boolean {
  return (
    a.meshes === b.meshes &&
    a.projection === b.projection &&
    a.look === b.look &&
    a.density === b.density
  );
}
