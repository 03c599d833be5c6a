import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

/** What the build depends on; `tests/console/test_page.py` knows them, too. */
const SOURCES = ["index.html", "package-lock.json", "package.json", "public", "src", "tsconfig.json", "vite.config.ts"];
const BUILT_FROM = "built-from.txt";

/** Write down of what the build was made, so that one that is older than the sources is seen without npm. */
function builtFrom(): Plugin {
  let folder = "";
  return {
    name: "built-from",
    configResolved(config) {
      folder = config.build.outDir;
    },
    closeBundle() {
      const built = readdirSync(folder).filter((name) => name !== BUILT_FROM).map((name) => line(join(folder, name), `assets/${name}`));
      writeFileSync(join(folder, BUILT_FROM), [...SOURCES.flatMap(files).map((path) => line(path, path)), ...built].toSorted().join(""));
    },
  };
}

function files(path: string): string[] {
  if (path.includes(".")) return [path];
  return readdirSync(path).flatMap((name) => files(`${path}/${name}`));
}

function line(path: string, name: string): string {
  return `${name} ${createHash("sha256").update(readFileSync(path)).digest("hex")}\n`;
}

export default defineConfig({
  base: "./",
  plugins: [builtFrom()],
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
