import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import manifest from "./package.json" with { type: "json" };

// TensorBoard imports static/index.js and calls render(): there is no index.html, so the entry
// keeps its name and its exports, every other file carries a hash and may be cached for a year.
export default defineConfig({
  base: "./",
  plugins: [react()],
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
    rolldownOptions: {
      input: "src/entry.ts",
      // Parts that are loaded later may import from the entry: apart, they would be 3 kB more.
      preserveEntrySignatures: "allow-extension",
      output: {
        entryFileNames: "index.js",
        chunkFileNames: "[name]-[hash].js",
        assetFileNames: "[name]-[hash][extname]",
      },
    },
  },
});
