import { createMeshRenderer, type MeshRenderer } from "../../plot3d/glRenderer";

export type RendererState = "ready" | "missing" | "lost";

/** The one renderer of the page, made when it is first asked for, and again when one asks to. */
export class RendererSource {
  private renderer: MeshRenderer | null = null;
  private state: RendererState | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly create: typeof createMeshRenderer = createMeshRenderer) {}

  readonly current = (): MeshRenderer | null => {
    if (this.state === null) this.start();
    return this.state === "ready" ? this.renderer : null;
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
    const made = this.create(() => {
      // One that was replaced has nothing to say any more.
      if (this.renderer !== made) return;
      this.state = "lost";
      for (const listener of this.listeners) listener();
    });
    this.renderer = made;
    this.state = made ? "ready" : "missing";
  }
}

export const renderers = new RendererSource();
