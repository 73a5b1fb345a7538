import { ActorSource } from "./actor-source.js";
import type { Application, DeliverySink } from "./app/application.js";
import { type Binding, bindProvider, KIND_OF } from "./binding.js";
import { VirtualClock } from "./clock/virtual-clock.js";
import { Netdev } from "./driver/netdev.js";
import { Nic } from "./driver/nic.js";
import { Placement } from "./driver/placement.js";
import type { Placer } from "./driver/placer.js";
import { FBNIC, type PackedProfile } from "./driver/profile.js";
import { DRIVER_PROFILES } from "./driver/profiles.js";
import { SlotPlacement } from "./driver/slot-placement.js";
import type { SlotProfile } from "./driver/slot-profiles.js";
import { Steering } from "./driver/steering.js";
import { Defrag } from "./ip/defrag.js";
import { IpInput } from "./ip/ip-input.js";
import { type PathLayout, restQueues } from "./layout.js";
import { Ledger } from "./ledger/ledger.js";
import { DelayedWork } from "./lifecycle/delayed-work.js";
import { KernelLog } from "./lifecycle/kernel-log.js";
import { Lifecycle } from "./lifecycle/lifecycle.js";
import type { Arena } from "./memory/arena.js";
import { CpuContext, TASK_OTHER } from "./netmem/netmem-return.js";
import { NetmemTable } from "./netmem/netmem-table.js";
import { PoolTable } from "./page-pool/pool-table.js";
import { Counters } from "./probe/counters.js";
import { DROP_REASONS } from "./probe/drop-reasons.js";
import { StageProbe } from "./probe/stages.js";
import { NetdevRefused, QueueSet } from "./queue-set.js";
import type { ReceiveOptions } from "./receive-options.js";
import { SkbSlab } from "./skb/skb-slab.js";
import { TcpStack } from "./tcp/tcp-stack.js";

/** The smallest piece of payload memory that a frag can charge. */
const FRAG_MIN_BYTES = 128;

/** Where a receive path lives, and who takes what its application reads. */
export interface PathPlace {
  readonly arena: Arena;
  readonly layout: PathLayout;
  readonly sink: DeliverySink | null;
  /** Puts something around the application, where a plan of faults is about it. */
  readonly dress?: (app: Application, clock: VirtualClock) => Application;
}

/** The book-keeping that all components of a receive path share. */
function ground(options: ReceiveOptions, { layout }: PathPlace) {
  const clock = new VirtualClock();
  const stages = new StageProbe();
  const drops = new Counters(DROP_REASONS);
  const cpu = new CpuContext();
  const { costs } = options;
  const { regress } = options.kernel;
  const table = new NetmemTable({
    areaStart: layout.areaStart,
    areaBytes: layout.areaBytes,
    netmemBytes: options.netmemBytes,
    areaKind: KIND_OF[options.provider],
    pagesStart: layout.pagesStart,
    pages: layout.pages,
  });
  const ledger = new Ledger(table, clock, options.leaks, options.provider === "devmem");
  const pools = new PoolTable({ table, ledger, clock, cpu, stages, costs, regress });
  const { skbs } = layout;
  const size = { skbs, frags: Math.ceil(layout.areaBytes / FRAG_MIN_BYTES) + skbs };
  const slab = new SkbSlab(size, { ledger, back: pools, clock });
  const work = new DelayedWork(clock);
  const log = new KernelLog(clock);
  if (ledger.history !== null) ledger.history.actors = new ActorSource(cpu, log);
  return { work, log, clock, stages, drops, cpu, costs, table, ledger, pools, slab };
}

/** The components of a receive path, wired together. */
export interface PathParts extends ReturnType<typeof ground> {
  readonly tcp: TcpStack;
  readonly binding: Binding;
  readonly defrag: Defrag;
  readonly netdev: Netdev;
  readonly placement: Placer;
  readonly nic: Nic;
  readonly queues: QueueSet;
  readonly lifecycle: Lifecycle;
}

/**
 * Builds a receive path: the one place that names every concrete class.
 *
 * @throws NetdevRefused when the kernel would refuse the provider on the queue.
 */
export function assemble(options: ReceiveOptions, place: PathPlace): PathParts {
  const base = ground(options, place);
  const { arena, layout } = place;
  const { slab, drops, clock, cpu, costs, pools, stages, table } = base;
  // The application needs the sockets first; it takes this place right below.
  const events = { dataReady: () => {}, releaseUserFrags: () => {} };
  const { kernel: profile, rcvbuf, seed, verifyChecksums } = options;
  const tcp = new TcpStack({ ...base, arena, profile, events, rcvbuf, seed });
  const scratch = layout.scratchStart;
  const defrag = new Defrag({ slab, arena, clock, drops, scratch, verifyChecksums });
  const up = new IpInput({ slab, arena, drops, tcp, defrag });
  const driverProfile = DRIVER_PROFILES[options.driver];
  const driver = { profile: driverProfile, napi: options, ring: options.ring };
  const shared = { pools, arena, slab, ledger: base.ledger, clock, cpu, costs, stages, drops, up };
  const rest = options.provider === "page" ? 0 : restQueues(options.queues);
  const rxQueues = options.queues + rest;
  const tcpDataSplit = options.split.mode !== "off";
  const netdev = new Netdev({ ...driver, ...shared, rxQueues, tcpDataSplit });
  const bound = bindProvider(options, { ...base, ...place, sockets: tcp, netdev });
  if (typeof bound === "number") throw new NetdevRefused(bound);
  const binding = place.dress ? { ...bound, app: place.dress(bound.app, clock) } : bound;
  tcp.events = binding.app;
  const queues = new QueueSet(options, netdev, binding);
  const memory = { arena, table, slab, verifyChecksums, heads: layout.headsStart };
  const placement = placementOf(driverProfile, memory);
  const steering = new Steering(options.steer);
  const { split } = options;
  const nic = new Nic({ arena, profile: driverProfile, placement, split, steering, queues });
  const { app, control } = binding;
  const channelsChanged = () => queues.channelsChanged();
  const splitChanged = (on: boolean) => {
    nic.split = on ? { mode: "on", failEvery: 0 } : { mode: "off", failEvery: 0 };
  };
  const acted = { netdev, tcp, app, control, channelsChanged, splitChanged };
  const lifecycle = new Lifecycle({ ...base, ...acted });
  cpu.task = TASK_OTHER;
  return { ...base, tcp, binding, defrag, netdev, placement, nic, queues, lifecycle };
}

/** Where the driver's NIC puts a frame: packed into pages, or a buffer for each. */
function placementOf(
  profile: PackedProfile | SlotProfile,
  memory: Omit<ConstructorParameters<typeof SlotPlacement>[0], "profile">,
): Placer {
  if (profile.name === "fbnic") return new Placement({ ...memory, profile: FBNIC });
  return new SlotPlacement({ ...memory, profile: profile as SlotProfile });
}
