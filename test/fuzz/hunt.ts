import { ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Prng } from "../../src/engine/clock/prng.js";
import { NetdevRefused } from "../../src/engine/queue-set.js";
import { NetmemError } from "../../src/replay/error.js";
import { encode } from "./capture-file.js";
import { type Genome, mutate } from "./capture-mutators.js";
import { type Corpus, loadCorpus } from "./corpus.js";
import { BlockCoverage } from "./coverage.js";
import { oneIn, pick } from "./packet.js";
import { drawSettings, type Settings, trySettings } from "./settings.js";
import { drawOptions, drawRead, type ReadOptions, Target } from "./target.js";

/** What one input may take. */
export const INPUT_LIMIT_MS = 2000;
/** What the whole process may hold, inputs of any kind. */
export const RSS_LIMIT_BYTES = 768 * 1024 * 1024;
/** Receive paths that take turns, and inputs after which one is taken down and replaced. */
const TARGETS = 6;
const TARGET_INPUTS = 400;
/** Inputs between two looks at block coverage, and at memory. */
const GENERATION = 64;
/** Captures kept because they made something new happen, beside the first corpus. */
const MAX_KEPT = 1024;
/** One input in this many tries settings. */
const SETTINGS_EVERY = 12;
/** Findings after which a hunt gives up. */
const MAX_FINDINGS = 20;

/** Something that must not be, with what is needed to see it again. */
export interface Finding {
  readonly what: string;
  readonly input: number;
  /** File that holds the input. */
  readonly file: string;
}

/** How a hunt ended. */
export interface Hunted {
  readonly inputs: number;
  readonly errors: number;
  readonly kept: number;
  readonly features: number;
  readonly blocks: number;
  readonly slowestMs: number;
  readonly rssBytes: number;
  readonly findings: readonly Finding[];
}

/** What a hunt is asked for. */
export interface HuntOptions {
  readonly seed: number;
  readonly inputs: number;
  readonly seconds: number;
  /** Folder for findings and for the input in hand, which outlives a crash of the process. */
  readonly folder: string;
  readonly progress?: (inputs: number) => void;
}

/** One process's hunt: mutates, replays, keeps what is new, writes down what is wrong. */
export class Hunt {
  readonly #options: HuntOptions;
  readonly #prng: Prng;
  readonly #corpus: Corpus;
  readonly #coverage = new BlockCoverage();
  readonly #features = new Set<string>();
  readonly #kept: Genome[] = [];
  readonly #generation: Genome[] = [];
  readonly #findings: Finding[] = [];
  readonly #targets: Array<{ target: Target; inputs: number }> = [];
  /** File of the input in hand, which outlives a process that it kills. */
  readonly #inHand: number;
  readonly #settingsInHand: number;
  #inputs = 0;
  #errors = 0;
  #slowestMs = 0;

  constructor(options: HuntOptions, corpus: Corpus) {
    this.#options = options;
    this.#prng = new Prng(options.seed);
    this.#corpus = corpus;
    mkdirSync(options.folder, { recursive: true });
    const inHand = inHandPath(options.folder, process.pid);
    this.#inHand = openSync(inHand, "w");
    this.#settingsInHand = openSync(`${inHand}.txt`, "w");
  }

  async run(): Promise<Hunted> {
    const { inputs, seconds, progress } = this.#options;
    const endMs = performance.now() + seconds * 1000;
    while (this.#inputs < inputs && performance.now() < endMs) {
      if (this.#findings.length >= MAX_FINDINGS) break;
      this.#inputs++;
      if (oneIn(this.#prng, SETTINGS_EVERY)) await this.#trySettings();
      else await this.#tryCapture();
      if (this.#inputs % GENERATION === 0) {
        this.#endGeneration();
        progress?.(this.#inputs);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    for (const { target } of this.#targets) this.#retire(target);
    return {
      inputs: this.#inputs,
      errors: this.#errors,
      kept: this.#kept.length,
      features: this.#features.size,
      blocks: this.#coverage.blocks,
      slowestMs: this.#slowestMs,
      rssBytes: process.memoryUsage().rss,
      findings: this.#findings,
    };
  }

  async #tryCapture(): Promise<void> {
    const prng = this.#prng;
    const slot = this.#slot();
    if (slot === null) return;
    slot.inputs++;
    const how = drawRead(prng);
    const genome = oneIn(prng, 16) ? null : mutate(prng, this.#parent(), this.#parent());
    const bytes = genome === null ? this.#damagedFile() : encode(prng, genome);
    ftruncateSync(this.#inHand, 0);
    writeSync(this.#inHand, bytes, 0, bytes.length, 0);
    const settings = optionsText(slot.target, how);
    ftruncateSync(this.#settingsInHand, 0);
    writeSync(this.#settingsInHand, settings, 0);
    const fault = await this.#timed(() => slot.target.run(bytes, how));
    if (fault !== null) {
      await this.#found(fault, bytes, slot.target, how);
      // What broke its rules once is not asked again.
      this.#targets.splice(this.#targets.indexOf(slot), 1);
    }
    if (genome !== null) this.#credit(genome, slot.target.features);
  }

  async #trySettings(): Promise<void> {
    const settings = drawSettings(this.#prng);
    const path = join(this.#options.folder, `config-${process.pid}.yaml`);
    const fault = await this.#timed(() => trySettings(settings, path));
    if (fault !== null) this.#write(fault, "json", JSON.stringify(settings as Settings, null, 1));
  }

  /** Runs one input; a typed error is an answer, and so is a record. */
  async #timed(run: () => Promise<void>): Promise<Error | null> {
    const before = performance.now();
    let fault: Error | null = null;
    try {
      await run();
    } catch (error) {
      if (error instanceof NetmemError) this.#errors++;
      else fault = error as Error;
    }
    const ms = performance.now() - before;
    this.#slowestMs = Math.max(this.#slowestMs, ms);
    return ms > INPUT_LIMIT_MS ? new Error(`one input took ${Math.round(ms)} ms`) : fault;
  }

  /** A receive path that is in use, or a new one in place of one that had its share. */
  #slot(): { target: Target; inputs: number } | null {
    const at = this.#prng.below(TARGETS);
    const slot = this.#targets[at];
    if (slot !== undefined && slot.inputs < TARGET_INPUTS) return slot;
    if (slot !== undefined) this.#retire(slot.target);
    try {
      const made = { target: new Target(drawOptions(this.#prng)), inputs: 0 };
      if (slot === undefined) this.#targets.push(made);
      else this.#targets[at] = made;
      return made;
    } catch (error) {
      // A kernel would refuse it, too: too small an area, no header split.
      if (error instanceof NetdevRefused) return null;
      throw error;
    }
  }

  #retire(target: Target): void {
    try {
      target.close();
    } catch (error) {
      this.#write(error as Error, "json", JSON.stringify(target.options, null, 1));
    }
  }

  #parent(): Genome {
    const isNew = this.#kept.length > 0 && oneIn(this.#prng, 2);
    return pick(this.#prng, isNew ? this.#kept : this.#corpus.genomes);
  }

  #damagedFile(): Uint8Array {
    const bytes = pick(this.#prng, this.#corpus.files).slice();
    const reach = oneIn(this.#prng, 2) ? bytes.length : Math.min(bytes.length, 160);
    for (let n = 1 + this.#prng.below(8); n > 0; n--) {
      bytes[this.#prng.below(reach)] = this.#prng.below(256);
    }
    return oneIn(this.#prng, 4) ? bytes.slice(0, this.#prng.below(bytes.length + 1)) : bytes;
  }

  #credit(genome: Genome, features: ReadonlySet<string>): void {
    const before = this.#features.size;
    for (const feature of features) this.#features.add(feature);
    if (this.#features.size > before) this.#keep(genome);
    else this.#generation.push(genome);
  }

  /** New blocks of code credit one capture of the generation that ran them. */
  #endGeneration(): void {
    if (this.#coverage.take() > 0 && this.#generation.length > 0) {
      this.#keep(pick(this.#prng, this.#generation));
    }
    this.#generation.length = 0;
    const { rss } = process.memoryUsage();
    if (rss > RSS_LIMIT_BYTES) {
      this.#write(new Error(`the process holds ${rss} bytes`), "json", "{}");
    }
  }

  #keep(genome: Genome): void {
    if (this.#kept.length < MAX_KEPT) this.#kept.push(genome);
    else this.#kept[this.#prng.below(MAX_KEPT)] = genome;
  }

  /** Writes a finding down, and whether the input alone shows it on a fresh receive path. */
  async #found(fault: Error, bytes: Uint8Array, target: Target, how: ReadOptions): Promise<void> {
    let alone = "only behind other inputs";
    try {
      const fresh = new Target(target.options);
      await fresh.run(bytes, how);
      fresh.close();
    } catch (error) {
      if (!(error instanceof NetmemError)) alone = "alone";
    }
    const options = optionsText(target, how);
    const told = new Error(`${fault.message} (${alone}; ${options})`);
    told.stack = fault.stack ?? "";
    this.#write(told, "pcap", bytes);
  }

  #write(fault: Error, kind: string, content: string | Uint8Array): void {
    const { folder, seed } = this.#options;
    const file = join(folder, `finding-${seed}-${this.#inputs}.${kind}`);
    writeFileSync(file, content);
    const what = `${fault.message}\n${fault.stack ?? ""}`;
    writeFileSync(`${file}.txt`, what);
    this.#findings.push({ what: fault.message, input: this.#inputs, file });
  }
}

/** What a receive path was set to, and how the input was read. */
function optionsText(target: Target, how: ReadOptions): string {
  const { kernel, costs: _, ...rest } = target.options;
  return JSON.stringify({ ...rest, kernel: kernel.name, ...how });
}

/** Where a process keeps the input that it works on. */
export function inHandPath(folder: string, pid: number): string {
  return join(folder, `input-${pid}.pcap`);
}

/** A hunt from the start to its end. */
export async function hunt(options: HuntOptions): Promise<Hunted> {
  return await new Hunt(options, await loadCorpus()).run();
}
