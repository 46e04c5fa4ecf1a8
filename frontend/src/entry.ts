import { createClient } from "./api/client";
import { detectHost } from "./host/detect";

// This file is small, so that the index and the page are on their way at the same time: the
// server takes as long to say what was logged as a browser does to read the page.
const host = detectHost();
const client = createClient();
const page = import("./app/start");
const catalog = host.visible.get() ? client.index() : undefined;
// Who draws the page says what went wrong.
page.catch(() => undefined);
catalog?.catch(() => undefined);

/** What TensorBoard calls once it has imported this file. */
export async function render(): Promise<void> {
  const element = document.createElement("div");
  element.id = "loss-slicer";
  // TensorBoard opens an empty document, and a reader of the screen needs both.
  document.documentElement.lang = "en";
  document.title = "Loss Slicer";
  document.body.append(element);
  try {
    const { start } = await page;
    start(element, host, client, catalog);
  } catch (error) {
    element.textContent = `The page could not be loaded (${String(error)}). Load it anew.`;
    throw error;
  }
}
