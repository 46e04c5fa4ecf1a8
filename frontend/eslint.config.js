import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import globals from "globals";
import ts from "typescript-eslint";

// Imports point inward only: a layer may name the layers listed for it, never one further out.
const forbidden = {
  data: ["api", "app", "host", "plot", "plot3d", "state", "ui", "views", "workers"],
  plot: ["api", "app", "host", "plot3d", "state", "ui", "views", "workers"],
  plot3d: ["api", "app", "host", "state", "ui", "views", "workers"],
  api: ["app", "host", "plot", "plot3d", "state", "ui", "views", "workers"],
  host: ["api", "app", "data", "plot", "plot3d", "state", "ui", "views", "workers"],
  state: ["app", "plot", "plot3d", "ui", "views", "workers"],
  ui: ["app", "views"],
  workers: ["api", "app", "host", "plot3d", "state", "ui", "views"],
  views: ["app"],
};

const layers = Object.entries(forbidden).map(([layer, outer]) => ({
  files: [`src/${layer}/**/*.{ts,tsx}`],
  ignores: ["**/*.test.{ts,tsx}"],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: outer.map((name) => ({
          group: [`**/${name}/**`],
          message: `${layer}/ stays below ${name}/.`,
        })),
      },
    ],
  },
}));

export default ts.config(
  { ignores: ["node_modules", "dist", "coverage"] },
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [...ts.configs.strictTypeChecked],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration", message: "Name what a file exports." },
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Names come from users: text only.",
        },
      ],
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Names come from users: text only." },
      ],
    },
  },
  { files: ["**/*.tsx"], ...a11y.flatConfigs.strict },
  { files: ["**/*.{ts,tsx}"], ...hooks.configs.flat["recommended-latest"] },
  {
    // A plot is a picture with a data cursor for pointers and arrow keys; no interactive role says so.
    files: ["src/ui/Plot.tsx", "src/ui/OrbitPlot.tsx"],
    rules: {
      "jsx-a11y/no-noninteractive-element-interactions": "off",
      "jsx-a11y/no-noninteractive-tabindex": "off",
    },
  },
  { files: ["*.config.ts"], rules: { "no-restricted-syntax": "off" } },
  { files: ["scripts/**/*.mjs"], languageOptions: { globals: globals.node } },
  ...layers,
);
