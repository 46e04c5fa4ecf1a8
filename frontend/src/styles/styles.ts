import chrome from "./chrome.css?inline";
import controls from "./controls.css?inline";
import panels from "./panels.css?inline";
import tokens from "./tokens.css?inline";

/** There is no index.html that could link a style sheet, so the entry brings its own. */
export function adoptStyles(): void {
  const sheet = document.createElement("style");
  sheet.textContent = [tokens, chrome, controls, panels].join("\n");
  document.head.append(sheet);
}
