import type { FaultKind } from "../../engine/fault/kinds.js";
import type { RawFlags } from "../plan/layers.js";
import type { VmProvider } from "./scenarios.js";

/** One thing that the virtual NIC goes through in the guest. */
export interface SelftestStep {
  readonly name: string;
  /** For the guest's shell, or flags of a replay. */
  readonly work: { readonly script: string } | { readonly flags: RawFlags };
  /** Parameters with which nmsim is loaded anew; absent: as it was left. */
  readonly nmsim?: Readonly<Record<string, string>>;
  /** The reader is killed: the replay ends without a record. */
  readonly killed?: true;
}

const INSMOD = "insmod /mod/nmsim.ko";

/** Whether KFENCE samples here, every 10 ms then. */
const SAMPLE = "echo 10 2>/dev/null >/sys/module/kfence/parameters/sample_interval; true";

/** What the module's own interface is put through, without any traffic. */
const SCRIPTS: ReadonlyArray<readonly [name: string, script: string]> = [
  ["KFENCE samples more often", SAMPLE],
  [
    "load and unload, with 1 to 16 queues",
    `for q in 1 2 4 8 16; do ${INSMOD} queues=$q || exit 1; rmmod nmsim || exit 1; done`,
  ],
  [
    "wrong parameters are refused",
    ["queues=0", "queues=17", "ring=100", "ring=8192"]
      .map((wrong) => `${INSMOD} ${wrong} 2>/dev/null && exit 1`)
      .concat("exit 0")
      .join("\n"),
  ],
  [
    "open and close, 30 times",
    `${INSMOD} || exit 1
for i in $(seq 30); do
  for port in nm0 nm1; do ip link set $port up || exit 1; done
  for port in nm0 nm1; do ip link set $port down || exit 1; done
done`,
  ],
  [
    "unload in use is refused",
    `ip link set nm0 up || exit 1
rmmod nmsim 2>/dev/null && exit 1
ip link set nm0 down && rmmod nmsim && ${INSMOD}`,
  ],
  [
    "a restart of no queue is refused",
    `restart=/sys/module/nmsim/parameters/restart
for wrong in nm0:0 nm0:99 nm9:0 nonsense; do
  echo $wrong 2>/dev/null >$restart && exit 1
done
ip link set nm0 up || exit 1
for i in $(seq 20); do for q in 0 1 2 3; do echo nm0:$q >$restart || exit 1; done; done
ip link set nm0 down`,
  ],
];

/** Pairs of faults, or single ones, spread over a capture of so many packets. */
function spread(kinds: readonly FaultKind[], times: number, packets: number, args = ""): string {
  const faults: string[] = [];
  for (let i = 0; i < times; i++) {
    for (const [k, kind] of kinds.entries()) {
      const at = (i + 1 + k / kinds.length) / (times + 1);
      faults.push(`${kind}@${Math.max(1, Math.round(at * packets))}${args}`);
    }
  }
  return faults.join(",");
}

/** What it is put through with a provider on its queue and packets coming. */
function underTraffic(provider: VmProvider, packets: number): SelftestStep[] {
  const replay = (given: Readonly<Record<string, string>>) => ({
    flags: {
      backend: `kernel-${provider}`,
      rcvbuf: "32MiB",
      limit: String(packets),
      ...given,
    },
  });
  const restarts = { hold: "5ms", fault: spread(["queue-restart"], 12, packets, ",queue=1") };
  const killed = { hold: "30s", fault: spread(["app-crash"], 1, packets) };
  const steps: Array<Omit<SelftestStep, "name"> & { readonly what: string }> = [
    { what: "open, traffic, close", work: replay({}), nmsim: {} },
    {
      what: "link flaps under traffic",
      work: replay({ hold: "5ms", fault: spread(["link-down", "link-up"], 12, packets) }),
    },
    { what: "queue restarts, rings filled before the stop", work: replay(restarts), nmsim: {} },
    {
      what: "queue restarts, rings filled at the start",
      work: replay(restarts),
      nmsim: { fill_at_start: "1" },
    },
    {
      what: "a provider that runs dry",
      work: replay({ area: "256KiB", hold: "30s" }),
      nmsim: { ring: "32" },
    },
    { what: "a header split that fails", work: replay({}), nmsim: { hds_fail: "3" } },
    { what: "SIGKILL under traffic", work: replay(killed), nmsim: {}, killed: true },
    { what: "SIGKILL again, and at once", work: replay(killed), killed: true },
    { what: "open after the SIGKILL", work: replay({}) },
  ];
  return steps.map(({ what, ...step }) => ({ name: `${provider}: ${what}`, ...step }));
}

/** Every step, in order, on a capture of so many packets. */
export function selftestSteps(packets: number): SelftestStep[] {
  return [
    ...SCRIPTS.map(([name, script]) => ({ name, work: { script } })),
    ...underTraffic("zcrx", packets),
    ...underTraffic("devmem", packets),
    { name: "unload at the end", work: { script: "rmmod nmsim" } },
  ];
}
