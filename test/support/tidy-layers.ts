import { cruise, type ICruiseResult, type IRegularForbiddenRuleType } from "dependency-cruiser";

/**
 * Which folders of `src/engine` may import which others, beside themselves. `ledger`, `probe`,
 * `kernel` and `memory` are open to all and therefore not repeated here.
 *
 *      app > tcp > skb > netmem, wire       driver > page-pool > provider > netmem
 *      clock, wire, netmem, kernel, memory: leaves      host.ts (top level): everything
 */
const ENGINE_LAYERS: Readonly<Record<string, readonly string[]>> = {
  wire: [],
  clock: [],
  netmem: [],
  kernel: [],
  memory: [],
  ledger: ["netmem", "clock"],
  probe: ["netmem", "clock"],
  // Time stamps are offsets that move with the clock's base, so an skb table knows the clock.
  skb: ["netmem", "wire", "clock"],
  provider: ["netmem", "clock"],
  "page-pool": ["netmem", "provider", "clock"],
  driver: ["page-pool", "skb", "netmem", "wire", "clock", "provider"],
  ip: ["skb", "netmem", "wire", "clock"],
  tcp: ["skb", "netmem", "wire", "clock"],
  app: ["tcp", "skb", "netmem", "provider", "page-pool", "clock"],
  // Models of kernel functions at one another's throats: words of their own, and seeded chance.
  race: ["clock"],
  // Sockets, processes, providers and the device end and are upset here: it drives them all.
  lifecycle: ["app", "tcp", "driver", "page-pool", "provider", "netmem", "clock"],
};

const OPEN_TO_ALL = ["ledger", "probe", "kernel", "memory"];

/** Types that a folder may name although it may not call: erased before anything runs. */
const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = { provider: ["page-pool"] };

/** What anybody may import of `provider`: contracts, and the allocator of plain pages. */
const CONTRACT = "^src/engine/provider/(provider|pool-face|page-allocator|plugin)\\.ts$";

/** One library, one door: the only places that may import a package. */
const DOORS: ReadonlyArray<readonly [library: string, door: string]> = [
  ["@oclif/", "^src/commands/"],
  ["ansis", "^src/(commands|report)/"],
  ["pcap-parser", "^src/replay/capture/classic[^/]*\\.ts$"],
  ["hdr-histogram-js", "^src/(replay/measure|report)/histogram\\.ts$"],
  ["cli-table3", "^src/report/table/"],
  ["zod", "^src/replay/(record|plan)/"],
  ["yaml", "^src/replay/plan/"],
  ["koffi", "^src/engine/backend/"],
];

type Rule = IRegularForbiddenRuleType;

function forbid(name: string, comment: string, from: Rule["from"], to: Rule["to"]): Rule {
  return { name, comment, severity: "error", from, to };
}

function engineRule(layer: string, allowed: readonly string[]): Rule {
  const types = TYPES_ONLY[layer] ?? [];
  const open = [layer, ...OPEN_TO_ALL, ...allowed, ...types].join("|");
  const to = { path: "^src/engine/", pathNot: `^src/engine/(${open})/` };
  return forbid(`engine-${layer}`, "a lower layer", { path: `^src/engine/${layer}/` }, to);
}

function typesOnlyRule(layer: string, others: readonly string[]): Rule {
  return forbid(
    `engine-${layer}-types-only`,
    "these may be named as types, never called",
    { path: `^src/engine/${layer}/` },
    { path: `^src/engine/(${others.join("|")})/`, dependencyTypesNot: ["type-only"] },
  );
}

function doorRules(): Rule[] {
  const known = DOORS.map(([library]) => `^node_modules/${library}`);
  const doors = DOORS.map(([library, door]) =>
    forbid(
      `door-${library.replace(/\W+/g, "")}`,
      `${library} comes in through ${door} alone`,
      { pathNot: door },
      { path: `^node_modules/${library}` },
    ),
  );
  doors.push(
    forbid(
      "library-without-a-door",
      "a package nobody decided on",
      {},
      { path: "^node_modules/", pathNot: known },
    ),
  );
  return doors;
}

function engineRules(): Rule[] {
  const names = Object.keys(ENGINE_LAYERS).concat("backend", "fault");
  return [
    ...Object.entries(ENGINE_LAYERS).map(([layer, allowed]) => engineRule(layer, allowed)),
    ...Object.entries(TYPES_ONLY).map(([layer, others]) => typesOnlyRule(layer, others)),
    forbid(
      "engine-unknown-folder",
      "every folder of the engine has its place in the order",
      {},
      { path: "^src/engine/[^/]+/", pathNot: `^src/engine/(${names.join("|")})/` },
    ),
    forbid(
      "engine-knows-no-faults",
      "what breaks the machine stands outside of it, and sees all of it",
      { path: "^src/engine/", pathNot: "^src/engine/fault/" },
      { path: "^src/engine/fault/" },
    ),
    forbid(
      "engine-knows-nothing-above",
      "the machine under test",
      { path: "^src/engine/" },
      { path: "^src/(commands|replay|report)/" },
    ),
    forbid(
      "engine-is-pure",
      "no package and nothing of the host but in engine/backend",
      { path: "^src/engine/", pathNot: "^src/engine/backend/" },
      { path: "^node_modules/", dependencyTypesNot: ["core"] },
    ),
    forbid(
      "engine-is-pure-of-node",
      "no node: module but in engine/backend",
      { path: "^src/engine/", pathNot: "^src/engine/backend/" },
      { dependencyTypes: ["core"] },
    ),
    forbid(
      "only-host-names-a-provider",
      "others see the contract; top-level engine files compose",
      {
        path: "^src/",
        pathNot: ["^src/engine/(provider|app|lifecycle|fault)/", "^src/engine/[^/]+\\.ts$"],
      },
      { path: "^src/engine/provider/", pathNot: CONTRACT },
    ),
    forbid(
      "applications-make-no-provider",
      "an application names the type of the ring that it reads, no more",
      { path: "^src/engine/app/" },
      { path: "^src/engine/provider/", pathNot: CONTRACT, dependencyTypesNot: ["type-only"] },
    ),
  ];
}

/** The rules of the house about who may import whom; each is an error. */
export const LAYER_RULES: readonly Rule[] = [
  ...engineRules(),
  ...doorRules(),
  // A cycle that a type-only import closes is natural (a thing and its owner) and gone at run time.
  forbid(
    "no-cycles",
    "anywhere",
    {},
    { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  ),
  forbid("nothing-unresolved", "the check fails closed", {}, { couldNotResolve: true }),
  forbid(
    "commands-are-thin",
    "commands call replay and report",
    { path: "^src/commands/" },
    { path: "^src/engine/" },
  ),
  forbid(
    "nobody-calls-commands",
    "commands are the top",
    { path: "^src/", pathNot: "^src/commands/" },
    { path: "^src/commands/" },
  ),
  forbid(
    "schemas-are-for-reading",
    "a start would load their library and build them all, a tenth of its time",
    { path: "^src/", pathNot: "^src/replay/record/" },
    {
      path: "^src/replay/record/(parts|schema|(?!json).*-schema)\\.ts$",
      dependencyTypesNot: ["type-only"],
    },
  ),
  forbid(
    "start-stands-alone",
    "what loads the program comes before all of it",
    { path: "^src/start/" },
    { path: "^src/", pathNot: "^src/start/" },
  ),
  forbid(
    "nobody-calls-start",
    "bin/run.js and the commands' stubs in dist do",
    { path: "^src/", pathNot: "^src/start/" },
    { path: "^src/start/" },
  ),
  forbid(
    "replay-below-report",
    "a record is made without its readers",
    { path: "^src/replay/" },
    { path: "^src/report/" },
  ),
  forbid(
    "report-reads-records-only",
    "report works on files alone",
    { path: "^src/report/" },
    { path: "^src/", pathNot: "^src/(report/|replay/record(/|\\.ts))" },
  ),
];

/** One broken rule: `rule: from -> to`. */
export type LayerFinding = string;

/**
 * Checks the imports of `src` under a project root.
 *
 * `exportsFields` must be set: without it packages with an `exports` map stay unresolved and every
 * rule about them would pass in silence.
 *
 * @returns the broken rules, sorted, and how many modules of `src` were seen.
 */
export async function checkLayers(
  root: string,
): Promise<{ findings: LayerFinding[]; modules: number }> {
  const { output } = await cruise(
    ["src"],
    {
      baseDir: root,
      validate: true,
      ruleSet: { forbidden: [...LAYER_RULES] },
      tsPreCompilationDeps: true,
      doNotFollow: "node_modules",
    },
    {
      bustTheCache: true,
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json", ".d.ts"],
    },
  );
  const { modules, summary } = output as ICruiseResult;
  return {
    findings: summary.violations.map((v) => `${v.rule.name}: ${v.from} -> ${v.to}`).sort(),
    modules: modules.filter((module) => module.source.startsWith("src/")).length,
  };
}
