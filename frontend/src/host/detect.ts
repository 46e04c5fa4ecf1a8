import type { Host } from "./host";
import { createStandaloneHost } from "./standalone";
import { createTensorBoardHost } from "./tensorboard";

export function detectHost(): Host {
  return window.parent === window ? createStandaloneHost() : createTensorBoardHost(window.parent);
}
