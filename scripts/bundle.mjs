// Step of the build: puts the modules that a command needs into a few files, libraries included.
//
// Node opens, resolves and compiles each module by itself, about half a millisecond a file, and a
// replay has three hundred, half of them oclif's. dist/commands keeps its files, which now draw on
// dist/chunks; the modules of their own stay beside them for programs that import them one by one,
// as the benchmark does. Left outside: what is native or optional, and what is read
// only where somebody asks for it (pcap-parser, yaml).
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const BASE = "__dist";
const MAKE = "__createRequire";

/** Modules find files by their own place, which a chunk is not: they keep the old one. */
const places = {
  name: "places",
  setup(bundle) {
    bundle.onLoad({ filter: /\/dist\/.*\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const place = `new URL(${JSON.stringify(relative(DIST, path))}, ${BASE}).href`;
      return { contents: text.replaceAll("import.meta.url", place), loader: "js" };
    });
  },
};

/** bin/run.js begins here; every other command shares its oclif. */
const LAUNCH = `shared${sep}launch.js`;
const commands = readdirSync(`${DIST}commands`, { recursive: true })
  .filter((file) => file.endsWith(".js"))
  .filter((file) => file === LAUNCH || !file.split(sep).includes("shared"))
  .map((file) => `${DIST}commands/${file}`);

rmSync(`${DIST}chunks`, { recursive: true, force: true });
await build({
  entryPoints: commands,
  outdir: DIST,
  outbase: DIST,
  chunkNames: "chunks/[name]-[hash]",
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
    // oclif and others are CommonJS: their calls of require() for Node's own modules stay.
    js: [
      `import { createRequire as ${MAKE} } from "node:module";`,
      `const require = ${MAKE}(import.meta.url);`,
      `const ${BASE} = import.meta.url.replace(/\\/dist\\/(?!.*\\/dist\\/).*$/s, "/dist/");`,
    ].join(""),
  },
  plugins: [places],
});

// Programs of their own, out of the modules as they are.
await import("./programs.mjs");
