import { type NetDevice, QueueMgmt } from "../../driver/queue-mgmt.js";
import { InvariantViolation } from "../../ledger/invariant.js";
import type { PagePool } from "../../page-pool/page-pool.js";
import { poolGet } from "../../page-pool/pool-netlink.js";
import { releasePool } from "../../page-pool/pool-release.js";
import { isPoolPage, magicMask } from "../../page-pool/pp-magic.js";
import { putBulk } from "../../page-pool/put-bulk.js";
import { ERRNO, type MemoryProvider } from "../../provider/provider.js";
import type { Parts } from "./parts.js";
import type { Scenario } from "./scenario.js";
import type { Stage } from "./stage.js";
import { SteppedPool } from "./stepped-pool.js";

const RING = { owner: "poolRing", transition: "T6 last skb frag put to pool" };
/** A pointer into the kernel's half of a 32-bit address space that ends like a signature. */
const LIST_POINTER = 0xc1230040;
/** DMA mapping and sync, no provider. */
const PAGE_FLAGS = { flags: 3 };

const DEVICE: NetDevice = {
  opsLock: true,
  realNumRxQueues: 1,
  tcpDataSplit: true,
  hdsThresh: 0,
  xdpAttached: false,
  rxPageSizes: true,
  running: true,
  registered: true,
};

/** Queue management over real pools, for a driver whose starts and stops are the row's. */
function queues(
  s: Stage,
  p: Parts,
  provider: MemoryProvider,
  of: { running: boolean; start(): number; stop(mem: PagePool): PagePool },
): QueueMgmt<PagePool> {
  let current = p.pool(provider);
  const ops = {
    memAlloc: () => p.pool(provider),
    memFree: (pool: PagePool) => p.pools.destroy(pool),
    start: (pool: PagePool) => {
      const failed = of.start();
      if (failed === 0) current = pool;
      return failed;
    },
    stop: () => of.stop(current),
  };
  const device = { ...DEVICE, running: of.running, regress: s.profile.regress };
  if (!of.running) p.pools.destroy(current);
  return new QueueMgmt(device, ops, (each, queue) => p.pools.checkMemoryProvider(each, queue));
}

const F4: Scenario = {
  id: "F4",
  title: "pages stay mapped for DMA after their pool is destroyed",
  source: "ee62ce7a1d90",
  invariant: "after the scrub no page of the pool is mapped",
  on: "parts",
  staged: "a pool is destroyed while an skb holds one of its pages",
  promised: "0 pages mapped after page_pool_destroy",
  broken: "pages in flight are left mapped",
  blame: RING,
  run(s) {
    const p = s.parts("page");
    const pool = p.pool(null, PAGE_FLAGS);
    const n = p.received(pool);
    p.pools.destroy(pool);
    s.promise("pages mapped after the scrub", pool.dmaMapped, 0, n);
    p.put(n);
    p.retry();
  },
};

const F5: Scenario = {
  id: "F5",
  title: "a pool is freed under a producer of its ring",
  source: "271683bb2cf3; syzbot 204a4382fcb3311f3858",
  invariant: "the producer is done before the pool is freed",
  on: "parts",
  staged: "the last put stops between produce and unlock; the release runs on another CPU",
  promised: "the release waits for the lock; the next try frees the pool",
  broken: "the release does not take the producer lock",
  blame: RING,
  run(s) {
    const p = s.parts("page");
    const pool = SteppedPool.over(p);
    const n = p.received(pool);
    p.pools.destroy(pool);
    pool.produced = () => {
      pool.produced = null;
      releasePool(pool);
    };
    p.put(n);
    s.promise("freed under the producer", pool.freed, false, n);
    p.retry();
    s.promise("freed by the next try", pool.freed, true, n);
  },
};

const F6: Scenario = {
  id: "F6",
  title: "statistics of a pool that is gone are counted after a bulk put",
  source: "bdea4980182e (September 2026)",
  invariant: "the producer is done before the pool is freed",
  on: "parts",
  staged: "a bulk put is the last; the release runs as soon as the ring's lock is dropped",
  promised: "nothing of the pool is touched after the unlock",
  broken: "recycle_stat_add follows the unlock",
  blame: RING,
  run(s) {
    const p = s.parts("page");
    const pool = p.pool(null, PAGE_FLAGS);
    const netmems = [p.received(pool), p.received(pool)];
    p.pools.destroy(pool);
    for (const n of netmems) p.ledger.skbPut(n);
    putBulk(pool, p.ledger, Int32Array.from(netmems), 2, () => releasePool(pool));
    s.promise("freed by that release", pool.freed, true, netmems[0]!);
    p.retry();
  },
};

const F21: Scenario = {
  id: "F21",
  title: "a provider's private data is taken for another's",
  source: "8d522566ae9c (6.15)",
  invariant: "mp_priv is cast by its own ops alone",
  on: "parts",
  staged: "page-pool-get of a pool whose provider is zcrx",
  promised: "the answer has io-uring and no dmabuf",
  broken: "page_pool_nl_fill takes every mp_priv for a devmem binding",
  blame: { owner: "provider", transition: "page_pool_nl_fill" },
  run(s) {
    const p = s.parts("zcrx", 8);
    const ifq = p.ifq();
    const pool = p.pool(ifq);
    const answer = poolGet(p.pools, pool.number);
    const found = typeof answer === "number" ? [] : Object.keys(answer).sort();
    s.promise("attributes", found.join(" "), "id ifindex inflight inflightMem ioUring");
    p.exit(ifq, () => p.pools.destroy(pool));
    p.retry();
  },
};

const F25: Scenario = {
  id: "F25",
  title: "queues of a closed device are started and stopped",
  source: "queue ops called while the interface is down (list archive)",
  invariant: "ndo_queue_start and ndo_queue_stop on a running device alone",
  on: "parts",
  staged: "a provider is opened on a queue of a device that is down",
  promised: "0, and neither op is called",
  broken: "the restart does not ask whether the device runs",
  blame: { owner: "driver", transition: "netdev_rx_queue_restart" },
  run(s) {
    const p = s.parts("zcrx", 8);
    const ifq = p.ifq();
    const fail = (): never => {
      throw new InvariantViolation(28, "a queue of a closed device was started or stopped");
    };
    const mgmt = queues(s, p, ifq, { running: false, start: fail, stop: fail });
    const params = { provider: ifq, rxPageSize: 0 };
    s.promise("errno of the open", mgmt.open(0, params), 0);
    p.exit(ifq, () => mgmt.close(0, params));
    p.retry();
  },
};

const F29: Scenario = {
  id: "F29",
  title: "a netmem is put twice",
  source: "negative inflight (page_pool_inflight's warning)",
  invariant: "inflight is never negative; a netmem has one owner",
  on: "parts",
  staged: "a driver recycles a buffer that it never handed up",
  promised: "the buffer is in the alloc cache once",
  broken: "a driver that puts the buffer again",
  blame: { owner: "driver", transition: "T8 driver recycles" },
  run(s) {
    const p = s.parts("page");
    const pool = p.pool(null, PAGE_FLAGS);
    const n = p.napi(() => pool.alloc());
    p.napi(() => pool.recycleDirect(n));
    if (s.has("F29")) pool.putNetmem(n);
    p.pools.destroy(pool);
    p.retry();
  },
};

const F30: Scenario = {
  id: "F30",
  title: "an ordinary page passes for a page of a pool on 32 bit",
  source: "Fixes: ee62ce7a1d90 (PP_MAGIC_MASK)",
  invariant: "only netmems of a pool enter a pool's put",
  on: "parts",
  staged: "an skb with a page whose lru pointer ends in 0x40 is freed",
  promised: "the page goes to put_page",
  broken: "the mask hides every bit above the DMA index",
  blame: { owner: "stack", transition: "napi_pp_put_page" },
  run(s) {
    const p = s.parts("page");
    const pool = p.pool(null, PAGE_FLAGS);
    const page = p.pages.take(0);
    const mask = magicMask(s.profile.regress === "F30");
    if (isPoolPage(LIST_POINTER, mask)) p.pools.putUnrefed(page);
    else p.pages.put(page);
    p.pools.destroy(pool);
    p.retry();
  },
};

const F38: Scenario = {
  id: "F38",
  title: "a queue restart fails twice",
  source: "the WARN of netdev_rx_queue_restart",
  invariant: "the old queue goes on, or both memories are freed",
  on: "parts",
  staged: "ndo_queue_start fails for the new memory and then for the old",
  promised: "its errno, a warning, and both pools freed",
  broken: "the old memory is forgotten",
  blame: { owner: "driver", transition: "netdev_rx_queue_restart" },
  run(s) {
    const p = s.parts("zcrx", 32);
    const ifq = p.ifq();
    const mgmt = queues(s, p, ifq, {
      running: true,
      start: () => -ERRNO.ENOMEM,
      stop: (pool) => {
        pool.putNetmem(p.napi(() => pool.alloc()));
        return pool;
      },
    });
    mgmt.queues[0]!.provider = ifq;
    s.promise("errno of the restart", mgmt.restart(0), -ERRNO.ENOMEM);
    s.promise("warnings", mgmt.warnings.length, 1);
    p.exit(ifq, () => {});
    p.retry();
  },
};

/** The rows about page pools, their netlink face and their queues. */
export const POOL_ROWS: readonly Scenario[] = [F4, F5, F6, F21, F25, F29, F30, F38];
