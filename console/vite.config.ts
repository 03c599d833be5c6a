import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../src/hecate/console/assets",
    emptyOutDir: true,
    modulePreload: false,
    target: "es2023",
    // Names without a hash: the daemon sends an ETag, and the build stays comparable from one commit to the next.
    rollupOptions: {
      output: {
        entryFileNames: "console.js",
        chunkFileNames: "console-[name].js",
        assetFileNames: "console[extname]",
      },
    },
  },
});
