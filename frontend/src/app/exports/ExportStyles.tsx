import css from "./exports.css?inline";

/** Styles that come with the menus that need them; React keeps one copy of them. */
export function ExportStyles() {
  return (
    <style href="exports" precedence="default">
      {css}
    </style>
  );
}
