import { existsSync, readFileSync } from "node:fs";
import { EPERM, errno, errnoName, must } from "../ffi/errno.js";
import { libc } from "../ffi/libc.js";
import { Unavailable } from "../unavailable.js";

/** Where tracefs may be; the first is where it is mounted for the run. */
const PLACES = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] as const;
const CLONE_NEWNS = 0x20000;
const MS_REC_PRIVATE = 0x44000;

/** One field of an event's record. */
export interface EventField {
  readonly offset: number;
  readonly size: number;
}

/** A tracepoint, as its `format` file describes it. */
export interface EventFormat {
  readonly id: number;
  /** @throws Unavailable where the kernel's event has no such field. */
  field(name: string): EventField;
}

/**
 * Reads the formats of some events, `group/name` each. Where tracefs is not mounted, it is mounted
 * in a mount namespace of this thread alone and taken away again.
 *
 * @throws Unavailable where the user may not, or the kernel has no such event.
 */
export function eventFormats(names: readonly string[]): EventFormat[] {
  const place = PLACES.find((path) => existsSync(`${path}/events`));
  if (place !== undefined) return names.map((name) => readFormat(place, name));
  const [root] = PLACES;
  mountHidden(root);
  try {
    return names.map((name) => readFormat(root, name));
  } finally {
    libc().umount2(root, 0);
  }
}

function mountHidden(root: string): void {
  if (!existsSync(root)) throw without("the kernel has no tracefs", "use one with CONFIG_FTRACE");
  if (libc().unshare(CLONE_NEWNS) !== 0) throw refused("a mount namespace cannot be made");
  must(libc().mount("none", "/", "none", MS_REC_PRIVATE, 0), "mount private");
  const mounted = libc().mount("nodev", root, "tracefs", 0, 0);
  if (mounted !== 0) throw refused("tracefs is not mounted and cannot be");
}

function readFormat(root: string, name: string): EventFormat {
  const path = `${root}/events/${name}/format`;
  if (!existsSync(path))
    throw without(`the kernel has no event ${name}`, "use Linux 4.20 or later");
  const text = readFileSync(path, "utf8");
  return {
    id: Number(/^ID: (\d+)$/m.exec(text)![1]),
    field(field) {
      const found = new RegExp(`\\b${field};\\s*offset:(\\d+);\\s*size:(\\d+);`).exec(text);
      if (found === null)
        throw without(`event ${name} has no field ${field}`, "use another kernel");
      return { offset: Number(found[1]), size: Number(found[2]) };
    },
  };
}

/** What tracing lacks, as doctor's row names it. */
function without(what: string, remedy: string): Unavailable {
  return new Unavailable("page-pool-tracepoints", what, remedy);
}

/** Why a call was refused just now. */
export function refused(what: string): Unavailable {
  const code = errno();
  const remedy = code === EPERM ? "run as root of the machine" : "use a kernel with tracefs";
  return without(`${what} (${errnoName(code)})`, remedy);
}
