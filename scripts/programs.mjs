// Step of the build: makes one file each, and what they share, of the programs that netmem starts
// beside its commands: the process of a native run, and the first program of a guest. There an
// emulated CPU spends ten milliseconds on every module that Node opens by itself.
import { rmSync } from "node:fs";
import { build } from "esbuild";
import { DIST, places, SHARING } from "./esbuild-base.mjs";

const PROGRAMS = [
  "replay/run/native-child.js",
  "replay/run/native-doctor-child.js",
  "replay/vm/guest/agent.js",
];

rmSync(`${DIST}programs`, { recursive: true, force: true });
await build({
  ...SHARING,
  entryPoints: PROGRAMS.map((file) => `${DIST}${file}`),
  chunkNames: "programs/[name]-[hash]",
  allowOverwrite: true,
  banner: {
    // Some libraries are CommonJS: their calls of require() for Node's own modules stay.
    js: [
      'import { createRequire as __createRequire } from "node:module";',
      "const require = __createRequire(import.meta.url);",
      'const __dist = import.meta.url.replace(/\\/dist\\/(?!.*\\/dist\\/).*$/s, "/dist/");',
    ].join(""),
  },
  plugins: [places],
});
