// Step of the build: makes pieces of the program, a few files of which a command needs some.
//
// Node opens, resolves and compiles each module by itself, about half a millisecond a file, and a
// replay has three hundred, half of them oclif's. esbuild puts the modules behind each command
// into chunks, libraries included; piece.mjs makes scripts of these, since V8 can be given the code
// of a script that it compiled before. dist/commands keeps a file for each command, which loads
// the command's piece; the modules of their own stay beside them for programs and threads that
// import them one by one. Left outside: what is native or optional, and what is read only where
// somebody asks for it (pcap-parser, yaml).
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, posix, relative, sep } from "node:path";
import { build } from "esbuild";
import { BASE, DIST, places, SHARING } from "./esbuild-base.mjs";
import { pieceOf } from "./piece.mjs";

const START = "start/main.js";

/**
 * oclif sorts its commands by localeCompare, for which V8 sets up a collator at each start, 6 ms.
 * Names of commands are ASCII, and their order is the same by code units.
 */
const sorting = {
  name: "sorting",
  setup(bundle) {
    bundle.onLoad({ filter: /@oclif\/core\/lib\/config\/plugin\.js$/ }, ({ path }) => {
      const parts = readFileSync(path, "utf8").split("a.id.localeCompare(b.id)");
      if (parts.length !== 2) throw new Error(`${path}: commands are sorted in another way`);
      return { contents: parts.join("(a.id < b.id ? -1 : 1)"), loader: "js" };
    });
  },
};

/** bin/run.js begins here; every other command shares its oclif. */
const LAUNCH = `shared${sep}launch.js`;
const commands = readdirSync(`${DIST}commands`, { recursive: true })
  .filter((file) => file.endsWith(".js"))
  .filter((file) => file === LAUNCH || !file.split(sep).includes("shared"))
  .map((file) => `${DIST}commands/${file}`);

const { outputFiles } = await build({
  ...SHARING,
  entryPoints: commands,
  chunkNames: "chunks/[name]-[hash]",
  write: false,
  plugins: [places, sorting],
});

rmSync(`${DIST}program`, { recursive: true, force: true });
for (const { path, text } of outputFiles) {
  const name = relative(DIST, path).split(sep).join("/");
  const file = `${DIST}program/${name}`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, pieceOf(name, text));
  if (!commands.includes(path) || path.endsWith(LAUNCH)) continue;
  const start = posix.relative(posix.dirname(name), START);
  writeFileSync(
    path,
    `import { load } from "${start}";\nexport default load("${name}").default;\n`,
  );
}

await build({
  ...BASE,
  entryPoints: [`${DIST}${START}`],
  outfile: `${DIST}${START}`,
  allowOverwrite: true,
});
