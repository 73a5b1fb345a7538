// Step of the build: makes one file each, and what they share, of the programs that netmem starts
// beside its commands: the process of a native run, and the first program of a guest. There an
// emulated CPU spends ten milliseconds on every module that Node opens by itself.
import { readFileSync, rmSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const PROGRAMS = [
  "replay/run/native-child.js",
  "replay/run/native-doctor-child.js",
  "replay/vm/guest/agent.js",
];

/** Modules find files by their own place, which a chunk is not: they keep the old one. */
const places = {
  name: "places",
  setup(bundle) {
    bundle.onLoad({ filter: /\/dist\/.*\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const place = `new URL(${JSON.stringify(relative(DIST, path))}, __dist).href`;
      return { contents: text.replaceAll("import.meta.url", place), loader: "js" };
    });
  },
};

rmSync(`${DIST}programs`, { recursive: true, force: true });
await build({
  entryPoints: PROGRAMS.map((file) => `${DIST}${file}`),
  outdir: DIST,
  outbase: DIST,
  chunkNames: "programs/[name]-[hash]",
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  external: ["koffi", "pcap-parser", "yaml", "typescript", "ts-node", "tsx"],
  legalComments: "none",
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: "warning",
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
