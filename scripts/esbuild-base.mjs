// What the build's steps ask of esbuild alike.
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

export const DIST = fileURLToPath(new URL("../dist/", import.meta.url));

/** For one file, or many. */
export const BASE = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  legalComments: "none",
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: "warning",
};

/** Modules find files by their own place, which what they are put into is not: they keep it. */
export const places = {
  name: "places",
  setup(bundle) {
    bundle.onLoad({ filter: /\/dist\/.*\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const place = `new URL(${JSON.stringify(relative(DIST, path))}, __dist).href`;
      return { contents: text.replaceAll("import.meta.url", place), loader: "js" };
    });
  },
};

/** For files that share chunks. Left outside: what is native or optional, or read seldom. */
export const SHARING = {
  ...BASE,
  outdir: DIST,
  outbase: DIST,
  splitting: true,
  external: ["koffi", "pcap-parser", "yaml", "typescript", "ts-node", "tsx"],
};
