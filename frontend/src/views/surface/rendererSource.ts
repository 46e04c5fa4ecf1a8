import { createMeshRenderer } from "../../plot3d/glRenderer";
import { MeshBatch } from "../../plot3d/meshBatch";

export type RendererState = "ready" | "missing" | "lost";

/** The one renderer of the page, made when it is first asked for, and again when one asks to. */
export class RendererSource {
  private batch: MeshBatch | null = null;
  private state: RendererState | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly create: typeof createMeshRenderer = createMeshRenderer) {}

  readonly current = (): MeshBatch | null => {
    if (this.state === null) this.start();
    return this.state === "ready" ? this.batch : null;
  };

  readonly getState = (): RendererState => {
    if (this.state === null) this.start();
    return this.state ?? "missing";
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  readonly retry = (): void => {
    this.start();
    for (const listener of this.listeners) listener();
  };

  private start(): void {
    const renderer = this.create(() => {
      // One that was replaced has nothing to say any more.
      if (this.batch !== made) return;
      this.state = "lost";
      for (const listener of this.listeners) listener();
    });
    const made = renderer && new MeshBatch(renderer);
    this.batch = made;
    this.state = made ? "ready" : "missing";
  }
}

export const renderers = new RendererSource();
