import { dontneedRoom, MAX_DONTNEED_FRAGS, type TokenList } from "../../app/dontneed.js";
import { HOLD_WORDS } from "../../app/hold-ring.js";
import type { RecvmsgDevmem } from "../../app/recvmsg-devmem.js";
import { InvariantViolation } from "../../ledger/invariant.js";
import { NM_PP_REF, NM_WORDS } from "../../netmem/netmem-table.js";
import { APP_TOKEN, D2, D4 } from "../../netmem/state.js";
import { DMA_TO_DEVICE } from "../../page-pool/pool-params.js";
import { DROP_REASONS } from "../../probe/drop-reasons.js";
import type { DevmemBinding } from "../../provider/devmem.js";
import { ERRNO } from "../../provider/provider.js";
import { intercept } from "../intercept.js";
import { talk } from "./frames.js";
import { post, uref } from "./rows-zcrx.js";
import type { Scenario } from "./scenario.js";
import type { Stage, StagedPath } from "./stage.js";

const FOREVER_NS = 3600e9;
const APP = { owner: "app", transition: "D4 SO_DEVMEM_DONTNEED" };
const BINDING = { owner: "provider", transition: "net_devmem_unbind_dmabuf" };
const OVERRUNS = DROP_REASONS.indexOf("RX_HW_DROP_OVERRUNS");

function reader(staged: StagedPath): RecvmsgDevmem {
  return staged.app.inner as RecvmsgDevmem;
}

/** Tokens in use over all sockets. */
function tokens(staged: StagedPath): number {
  let sum = 0;
  for (let sock = 0; sock < staged.path.tcp.sockets; sock++) {
    sum += reader(staged).userFrags.count(sock);
  }
  return sum;
}

function range(start: number, count: number): TokenList {
  return { starts: Uint32Array.of(start), counts: Uint32Array.of(count), length: 1 };
}

const F13: Scenario = {
  id: "F13",
  title: "a pool's end is reported although another pool has niovs out",
  source: "mail b9e6d919..., July 2025: a false warning",
  invariant: "the end of a pool while another of the provider has niovs out is legal",
  on: "parts",
  staged: "a queue is restarted while the application holds niovs; then it gives them back",
  promised: "no warning",
  broken: "a model that warns when a pool ends and niovs of the provider are out",
  blame: { owner: "provider", transition: "Z8 pool to freelist" },
  run(s) {
    const p = s.parts("zcrx", 8);
    const ifq = p.ifq();
    const old = p.pool(ifq);
    const n = uref(p, old);
    p.pools.destroy(old);
    const young = p.pool(ifq);
    const posted = p.napi(() => young.alloc());
    post(ifq, n);
    ifq.flushRq();
    p.retry();
    s.promise("the old pool is freed", old.freed, true, n);
    s.promise("warnings", ifq.warnings.length, 0, n);
    young.putNetmem(posted);
    p.exit(ifq, () => p.pools.destroy(young));
    p.retry();
  },
};

/** One of the three orders of unbind (S), pool destroy (P) and uninstall (U). */
function unbindOrder(s: Stage, order: string): void {
  const p = s.parts("devmem", 8);
  let alive = true;
  const touch = () => {
    if (!alive) throw new InvariantViolation("dev", "unbind went to a device that is gone");
  };
  const binding = p.bind();
  const pool = p.pool(binding);
  const n = p.received(pool);
  p.ledger.userGet(n, D2);
  p.put(n);
  for (const step of order) {
    if (step === "S") p.registry.unbind(binding, touch);
    else if (step === "P") p.pools.destroy(pool);
    else {
      binding.uninstall(0);
      alive = false;
    }
  }
  if (p.ledger.userPut(n, 1, D4)) p.pools.putBy(n, D4);
  p.retry();
  s.promise(`binding freed after ${order}`, binding.freed, true, n);
  s.promise(`warnings after ${order}`, binding.warnings.length, 0, n);
}

const F15: Scenario = {
  id: "F15",
  title: "the netlink socket is closed after the module is gone",
  source: "0afc44d8cdf6 (6.15)",
  invariant: "each order of unbind, pool destroy and uninstall is safe",
  on: "parts",
  staged: "the three orders S-P-U, P-S-U and P-U-S, with a token out",
  promised: "the binding is freed in each, without a warning",
  broken: "uninstall leaves the binding its queues, and unbind goes to them",
  blame: BINDING,
  run(s) {
    for (const order of ["SPU", "PSU", "PUS"]) unbindOrder(s, order);
  },
};

const F16: Scenario = {
  id: "F16",
  title: "a dma-buf is unmapped in another direction than it was mapped",
  source: "67cb3720fdfa; mail 20250801011335",
  invariant: "map and unmap name one direction",
  on: "parts",
  staged: "a binding that is mapped to the device is unbound",
  promised: "unmapped to the device",
  broken: "every binding is unmapped from the device",
  blame: { owner: "provider", transition: "dma_buf_unmap_attachment" },
  run(s) {
    const p = s.parts("devmem", 8);
    const binding = p.bind({ direction: DMA_TO_DEVICE });
    p.registry.unbind(binding, () => {});
    s.promise("freed", binding.freed, true);
  },
};

const F17: Scenario = {
  id: "F17",
  title: "a cut control message hides a token",
  source: "mail 20250218194056 (MSG_CTRUNC masked)",
  invariant: "every token is delivered in full or not at all",
  on: "capture",
  staged: "a control buffer of 60 bytes: one cmsg and a half",
  promised: "tokens in use == tokens that the application knows",
  broken: "put_cmsg cuts the second cmsg, its token stays",
  blame: { owner: "app", transition: "D2 token taken by recvmsg" },
  run(s) {
    const staged = s.path("devmem", { holdNs: FOREVER_NS, readDelayNs: 2e6 });
    reader(staged).controlBytes = 60;
    staged.play().rest(100);
    const held = staged.inState(APP_TOKEN)[0] ?? -1;
    s.promise("tokens in use", tokens(staged), staged.app.heldCount, held);
  },
};

const F18: Scenario = {
  id: "F18",
  title: "one DONTNEED looks at 2^32-1 frags",
  source: "reported by Yi Lai, autumn 2024",
  invariant: "a call looks at 1024 frags at most",
  on: "capture",
  staged: "a range of 2^32-1 tokens of which none is in use",
  promised: "0 freed, 1024 looked at",
  broken: "the call has no bound",
  blame: APP,
  run(s) {
    const staged = s.path("devmem", { holdNs: FOREVER_NS });
    staged.play().rest();
    let looked = 0;
    intercept(reader(staged).userFrags, "erase", (erase, sock, token) => {
      if (++looked > MAX_DONTNEED_FRAGS) {
        throw new InvariantViolation(46, "a DONTNEED looks at more than 1024 frags");
      }
      return erase(sock, token);
    });
    s.promise("freed", reader(staged).giveTokens(0, range(1 << 30, 0xffffffff)), 0);
    s.promise("looked at", looked, MAX_DONTNEED_FRAGS);
    looked = Number.NEGATIVE_INFINITY;
  },
};

const F19: Scenario = {
  id: "F19",
  title: "DONTNEED allocates eight times what it needs",
  source: "the patch of F18",
  invariant: "the memory of a call is bounded by its ranges",
  on: "parts",
  staged: "option lengths of 1, 8, 1024 and 1032 bytes",
  promised: "-EINVAL, 8 bytes, 1024 bytes, -EINVAL",
  broken: "the length in bytes is taken for the number of ranges",
  blame: APP,
  run(s) {
    const room = (optlen: number) => dontneedRoom(optlen, s.profile.regress);
    s.promise("a length of 1", room(1), -ERRNO.EINVAL);
    s.promise("bytes for one range", room(8), 8);
    s.promise("bytes for 128 ranges", room(1024), 1024);
    s.promise("a length of 129 ranges", room(1032), -ERRNO.EINVAL);
  },
};

const F26: Scenario = {
  id: "F26",
  title: "a binding is seen before it is whole",
  source: "net_devmem_bind_dmabuf: the id is published last",
  invariant: "a lookup finds whole bindings alone",
  on: "parts",
  staged: "another CPU looks ids up while the dma-buf is being mapped",
  promised: "it finds none",
  broken: "the id is published first",
  blame: { owner: "provider", transition: "net_devmem_bind_dmabuf" },
  run(s) {
    const p = s.parts("devmem", 8);
    let seen: DevmemBinding | null = null;
    const binding = p.bind({
      meanwhile: () => {
        seen = p.registry.lookup(1);
      },
    });
    s.promise("bindings seen while one is made", seen === null ? 0 : 1, 0);
    p.registry.unbind(binding, () => {});
  },
};

const F27: Scenario = {
  id: "F27",
  title: "a bind-rx answer that cannot be sent undoes the binding",
  source: "error path of netdev_nl_bind_rx_doit (2026)",
  invariant: "after the answer is handed over, nothing is undone or freed again",
  on: "parts",
  staged: "the netlink socket's receive buffer is full when the answer is sent",
  promised: "-EAGAIN (netlink_attachskb), and the binding stays with its socket",
  broken: "the error path unbinds and frees the message again",
  blame: { owner: "provider", transition: "netdev_nl_bind_rx_doit" },
  run(s) {
    const p = s.parts("devmem", 8);
    let freed = 0;
    const free = () => {
      if (++freed > 1) throw new InvariantViolation("skb", "a netlink message was freed twice");
    };
    const send = () => {
      free();
      return -ERRNO.EAGAIN;
    };
    const made = p.registry.bindRx(
      p.bindPlan(),
      () => 0,
      () => {},
      { send, free },
    );
    s.promise("errno", made.errno, -ERRNO.EAGAIN);
    s.promise("binding found by its id", p.registry.lookup(1) === made.binding, true);
    p.registry.unbind(made.binding!, () => {});
  },
};

const F32: Scenario = {
  id: "F32",
  title: "a token is given back after it was handed out again",
  source: "lowest free index first (xa_alloc); an application's bug",
  invariant: "an application returns a token once",
  on: "capture",
  staged: "a token is given back, and a receive call hands its number out again",
  promised: "tokens in use == tokens that the application knows",
  broken: "an application that gives the number back a second time",
  blame: APP,
  run(s) {
    const staged = s.path("devmem", { holdNs: FOREVER_NS });
    const app = reader(staged);
    while (app.heldCount === 0 && staged.left > 0) staged.play(4).rest();
    const ring = app.held.find(({ count }) => count > 0);
    if (ring === undefined) return;
    const slot = ring.shift() * HOLD_WORDS;
    const sock = ring.words[slot]!;
    const token = ring.words[slot + 1]!;
    s.promise("freed", app.giveTokens(sock, range(token, 1)), 1);
    while (!app.userFrags.has(sock, token) && staged.left > 0) staged.play(4).rest();
    if (s.has("F32")) app.giveTokens(sock, range(token, 1));
    const held = staged.inState(APP_TOKEN)[0] ?? -1;
    s.promise("tokens in use", tokens(staged), app.heldCount, held);
  },
};

const F33: Scenario = {
  id: "F33",
  title: "an application holds on to tokens until the dma-buf is used up",
  source: "devmem.rst, Freeing frags",
  invariant: "the NIC drops; the window does not close",
  on: "path",
  staged: "a reader that gives nothing back, a dma-buf of 128 KiB, 580 KiB of data",
  promised: "RX_HW_DROP_OVERRUNS above 0",
  broken: "a model that pushes back on the reader, so that the socket fills instead",
  blame: { owner: "app", transition: "D2 token taken by recvmsg" },
  run(s) {
    const frames = talk({ segments: Array<number>(400).fill(1448) });
    const options = { holdNs: FOREVER_NS, areaBytes: 1 << 17, ring: 16, rcvbuf: 32768 };
    const staged = s.path("devmem", options, frames);
    if (s.has("F33")) staged.app.hang(Number.POSITIVE_INFINITY);
    staged.play().rest();
    const drops = staged.path.drops.values[OVERRUNS]!;
    s.promise("the NIC drops", drops > 0, true, staged.inState(APP_TOKEN)[0] ?? -1);
  },
};

const F36: Scenario = {
  id: "F36",
  title: "one binding for queues of two DMA devices",
  source: "multi-PF devices (list archive)",
  invariant: "a binding has one DMA device",
  on: "parts",
  staged: "bind-rx with queues of two devices",
  promised: "-EOPNOTSUPP",
  broken: "the first queue's device is taken for all",
  blame: { owner: "provider", transition: "net_devmem_bind_dmabuf" },
  run(s) {
    const p = s.parts("devmem", 8);
    const two = [
      { queue: 0, dmaDevice: 1 },
      { queue: 1, dmaDevice: 2 },
    ];
    const plan = { ...p.bindPlan(), queues: two };
    const made = p.registry.bind(
      plan,
      () => 0,
      () => {},
    );
    s.promise("errno", typeof made === "number" ? made : 0, -ERRNO.EOPNOTSUPP);
  },
};

const F39: Scenario = {
  id: "F39",
  title: "a niov is released with references left",
  source: "the WARN of mp_dmabuf_devmem_release_page",
  invariant: "a netmem is released at pp_ref_count 1 alone",
  on: "parts",
  staged: "a pool with a returned niov in its ring is destroyed",
  promised: "no warning, the genpool is whole",
  broken: "a driver that takes a reference and never puts it",
  blame: { owner: "poolRing", transition: "D6 pool to genpool" },
  run(s) {
    const p = s.parts("devmem", 8);
    const binding = p.bind();
    const pool = p.pool(binding);
    const n = p.received(pool);
    p.put(n);
    if (s.has("F39")) p.table.words[n * NM_WORDS + NM_PP_REF] = 2;
    p.pools.destroy(pool);
    p.registry.unbind(binding, () => {});
    s.promise("warnings", binding.warnings.join("; "), "", n);
    s.promise("genpool available", binding.freeCount, binding.netmemCount, n);
  },
};

/** The rows about devmem. */
export const DEVMEM_ROWS: readonly Scenario[] = [
  F13,
  F15,
  F16,
  F17,
  F18,
  F19,
  F26,
  F27,
  F32,
  F33,
  F36,
  F39,
];
