import { start } from "./app/start";
import { adoptStyles } from "./styles/styles";

/** What TensorBoard calls once it has imported this file. */
export function render(): void {
  adoptStyles();
  const element = document.createElement("div");
  element.id = "loss-slicer";
  document.body.append(element);
  start(element);
}
