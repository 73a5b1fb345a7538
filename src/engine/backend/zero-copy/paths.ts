import type { MakeNative, NativeOptions } from "../backend.js";
import { TunInjector } from "../inject/tun.js";
import { Unavailable } from "../unavailable.js";
import { DevmemReceiver } from "./devmem-receiver.js";
import type { ZeroCopyLink } from "./link.js";
import { WiredDevice } from "./wired-device.js";
import { ZcrxReceiver } from "./zcrx-receiver.js";
import { ZeroCopyTcp } from "./zero-copy-tcp.js";

const WIRE_NOTE = "injection: a packet socket on the peer port; the device places each byte once";

/** `kernel-zcrx`: the real io_uring zcrx, on a device queue or without a device. */
export const makeKernelZcrx: MakeNative = (options, sink) => {
  const link = options.link ?? NODEV;
  const device = link.nodev ? null : deviceOf("kernel-zcrx", link, options.engine.steer);
  const { areaBytes, netmemBytes } = options.engine;
  const path = {
    backend: "kernel-zcrx",
    makeInjector: () => (device === null ? new TunInjector() : device.open()),
    makeReceiver: (asked: NativeOptions) =>
      new ZcrxReceiver(link, areaBytes, netmemBytes, asked.holdNs),
    notes: link.nodev
      ? ["zcrx without a device (NODEV): the kernel copies every byte, by definition"]
      : [WIRE_NOTE],
  };
  return new ZeroCopyTcp("zcrx", path, device, options, sink);
};

/** `kernel-devmem`: the real devmem TCP on a device queue. */
export const makeKernelDevmem: MakeNative = (options, sink) => {
  const link = options.link ?? NODEV;
  const device = deviceOf("kernel-devmem", link, options.engine.steer);
  const path = {
    backend: "kernel-devmem",
    makeInjector: () => device.open(),
    makeReceiver: (asked: NativeOptions) =>
      new DevmemReceiver(link, options.engine.areaBytes, asked.readSizeBytes, asked.holdNs),
    notes: [WIRE_NOTE],
  };
  return new ZeroCopyTcp("devmem", path, device, options, sink);
};

const NODEV: ZeroCopyLink = { interface: "", peer: "", queue: 0, nodev: false };

function deviceOf(
  backend: string,
  link: ZeroCopyLink,
  steer: NativeOptions["engine"]["steer"],
): WiredDevice {
  if (link.interface !== "" && link.peer !== "") return new WiredDevice(link, steer);
  throw new Unavailable(
    backend,
    "it needs a NIC port with queue management and a port wired to it: --interface and --peer",
    backend === "kernel-zcrx"
      ? "name both, use --nodev for zcrx without a device, or netmem vm run"
      : "name both, or use netmem vm run",
  );
}
