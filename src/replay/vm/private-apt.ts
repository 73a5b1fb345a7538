import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NetmemError } from "../error.js";
import { mustRun, runTool } from "./tool.js";

const ARCHIVE = "http://deb.debian.org/debian";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * The machine's own apt with folders of its own: it knows suites that the machine does not use,
 * touches nothing that the machine has installed, and needs no privilege. Signatures are checked
 * as always.
 *
 *      dir/sources.list   dir/state/{lists,status}   dir/cache/archives/*.deb
 */
export class PrivateApt {
  readonly #dir: string;
  readonly #suites: readonly string[];
  readonly #signal: AbortSignal;

  constructor(dir: string, suites: readonly string[], signal: AbortSignal) {
    this.#dir = dir;
    this.#suites = suites;
    this.#signal = signal;
  }

  /** Fetches the indices of the suites. */
  async update(): Promise<void> {
    const dir = this.#dir;
    if (!existsSync(KEYRING)) throw keyless();
    for (const folder of ["state/lists/partial", "cache/archives/partial"]) {
      await mkdir(join(dir, folder), { recursive: true });
    }
    const lines = this.#suites.map(
      (suite) => `deb [signed-by=${KEYRING}] ${ARCHIVE} ${suite} main`,
    );
    await writeFile(join(dir, "sources.list"), `${lines.join("\n")}\n`);
    // Nothing is installed as far as this apt knows, so that every dependency is fetched.
    await writeFile(join(dir, "state/status"), "");
    await this.#apt("fetching the package indices", "apt-get", ["update", "-qq"]);
  }

  /** Whether the suites have this version of a package. */
  async has(name: string, version: string): Promise<boolean> {
    const args = [...this.#options(), "show", `${name}=${version}`];
    return (await runTool("apt-cache", args, { signal: this.#signal })).status === 0;
  }

  /** Names of all packages that begin with `prefix`. */
  async names(prefix: string): Promise<string[]> {
    const text = await this.#apt("listing packages", "apt-cache", ["pkgnames", prefix]);
    return text.split("\n").filter((name) => name !== "");
  }

  /** Version that would be installed of a package. */
  async candidate(name: string): Promise<string | null> {
    const text = await this.#apt("asking for a version", "apt-cache", ["policy", name]);
    const version = /Candidate: (\S+)/.exec(text)?.[1];
    return version === undefined || version === "(none)" ? null : version;
  }

  /** Fetches packages and all that they depend on; answers the paths of the files. */
  async download(packages: readonly string[]): Promise<string[]> {
    const install = ["install", "-y", "-qq", "--download-only", ...packages];
    await this.#apt("fetching packages", "apt-get", install);
    const archives = join(this.#dir, "cache/archives");
    const files = (await readdir(archives)).filter((file) => file.endsWith(".deb"));
    return files.sort().map((file) => join(archives, file));
  }

  #apt(what: string, tool: string, words: readonly string[]): Promise<string> {
    return mustRun(what, tool, [...this.#options(), ...words], { signal: this.#signal });
  }

  #options(): string[] {
    const dir = this.#dir;
    const settings: Readonly<Record<string, string>> = {
      "Dir::Etc::sourcelist": join(dir, "sources.list"),
      "Dir::Etc::sourceparts": "-",
      "Dir::Etc::preferencesparts": "-",
      "Dir::State": join(dir, "state"),
      "Dir::State::status": join(dir, "state/status"),
      "Dir::Cache": join(dir, "cache"),
      "APT::Architecture": "amd64",
      "APT::Architectures": "amd64",
      "APT::Install-Recommends": "false",
      "APT::Sandbox::User": "",
      "Debug::NoLocking": "1",
      "Acquire::Languages": "none",
      "Acquire::Retries": "3",
      // Of a suite such as backports, what was asked for and its parts come first.
      "APT::Default-Release": this.#suites.at(-1)!,
    };
    return Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  }
}

function keyless(): NetmemError {
  return new NetmemError(
    "NETMEM_BACKEND_UNAVAILABLE",
    `the keys of Debian's archive are not here (${KEYRING})`,
    "apt-get install --no-install-recommends debian-archive-keyring",
  );
}

/** SHA-256 of a file, hexadecimal. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** @throws NetmemError NETMEM_BACKEND_UNAVAILABLE when the file is not the pinned one. */
export async function assertSha256(path: string, pinned: string): Promise<void> {
  const found = await sha256Of(path);
  if (found === pinned) return;
  throw new NetmemError(
    "NETMEM_BACKEND_UNAVAILABLE",
    `${path} has SHA-256 ${found}, and ${pinned} is pinned`,
    "Remove the file and run netmem vm prepare again; if that stays, do not trust the archive.",
  );
}
