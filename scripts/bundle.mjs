// Step of the build: puts the modules that a command needs into a few files.
//
// Node opens, resolves and compiles each module by itself, about half a millisecond a file, and a
// replay has a hundred. dist/commands keeps its files, which now draw on dist/chunks; the modules
// of their own stay beside them for programs that import them one by one, as the benchmark does.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const BASE = "__dist";

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

const commands = readdirSync(`${DIST}commands`, { recursive: true })
  .filter((file) => file.endsWith(".js") && !file.split(sep).includes("shared"))
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
  packages: "external",
  legalComments: "none",
  logLevel: "warning",
  banner: {
    js: `const ${BASE} = import.meta.url.replace(/\\/dist\\/(?!.*\\/dist\\/).*$/s, "/dist/");`,
  },
  plugins: [places],
});
