import { defineConfig, mergeConfig } from "vite";
import page from "./vite.config.ts";

// The page in one classic script, chunks included: a file that opens without a server can import
// nothing, so this is what goes into exported pages.
export default defineConfig(() => {
  const shared = { ...page, build: { ...page.build, rolldownOptions: {} } };
  return mergeConfig(shared, {
    build: {
      emptyOutDir: false,
      chunkSizeWarningLimit: 800, // one file on purpose
      modulePreload: false,
      rolldownOptions: {
        input: "src/standalone.ts",
        // A classic script has no address of its own.
        transform: { define: { "import.meta": "{}" } },
        output: {
          format: "iife",
          codeSplitting: false,
          entryFileNames: "standalone.js",
          assetFileNames: "standalone-[name][extname]",
        },
      },
    },
  });
});
