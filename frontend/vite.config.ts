import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import manifest from "./package.json" with { type: "json" };

const onPage = new Set<string>();

// What the page cannot be drawn without goes into one file, since each file more is a request
// more before the first picture; what the entry needs stays with it, so that it waits for none.
const page: Plugin = {
  name: "page",
  buildEnd() {
    const reach = (end: string, found: Set<string>, apart?: ReadonlySet<string>): Set<string> => {
      const visit = (id: string): void => {
        if (found.has(id) || apart?.has(id)) return;
        found.add(id);
        this.getModuleInfo(id)?.importedIds.forEach(visit);
      };
      [...this.getModuleIds()].filter((id) => id.endsWith(end)).forEach(visit);
      return found;
    };
    reach(
      "/src/app/start.tsx",
      onPage,
      reach("/src/entry.ts", new Set(["\0vite/preload-helper.js"])),
    );
  },
};

// TensorBoard imports static/index.js and calls render(): there is no index.html, so the entry
// keeps its name and its exports, every other file carries a hash and may be cached for a year.
export default defineConfig({
  base: "./",
  plugins: [react(), page],
  define: {
    "process.env.NODE_ENV": JSON.stringify("production"),
    __PYSCLICE_VERSION__: JSON.stringify(manifest.version),
  },
  // A file of its own, as a module: TensorBoard's policy allows no worker from a blob.
  worker: {
    format: "es",
    rolldownOptions: { output: { entryFileNames: "[name]-[hash].js" } },
  },
  build: {
    target: "es2022",
    outDir: "../tensorboard_plugin/tensorboard_loss_slicer/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600, // scripts/size.mjs holds the limits
    rolldownOptions: {
      input: "src/entry.ts",
      // Parts that are loaded later may import from the entry: apart, they would be 3 kB more.
      preserveEntrySignatures: "allow-extension",
      output: {
        entryFileNames: "index.js",
        chunkFileNames: "[name]-[hash].js",
        assetFileNames: "[name]-[hash][extname]",
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [{ name: "page", test: (id) => onPage.has(id) }],
        },
      },
    },
  },
});
