import { start } from "./app/start";
import { adoptStyles } from "./styles/styles";

/** What TensorBoard calls once it has imported this file. */
export function render(): void {
  adoptStyles();
  // TensorBoard opens an empty document, and a reader of the screen needs both.
  document.documentElement.lang = "en";
  document.title = "Loss Slicer";
  const element = document.createElement("div");
  element.id = "loss-slicer";
  document.body.append(element);
  start(element);
}
