import { InvariantViolation } from "../../ledger/invariant.js";
import type { Ledger } from "../../ledger/ledger.js";
import type { NetmemTable } from "../../netmem/netmem-table.js";
import { STATE_NAME, STATE_OWNER } from "../../netmem/state.js";

/** How a broken rule showed. */
export type FindingKind = "invariant" | "leak" | "zombie" | "promise";

/** What the harness found: which rule, and whose doing it is. */
export interface Finding {
  readonly kind: FindingKind;
  readonly message: string;
  /** Who held the netmem, in the record's words, or who broke the promise. */
  readonly owner: string;
  /** The transition at which it went wrong. */
  readonly transition: string;
  /** The netmem, -1 where it is about none. */
  readonly netmem: number;
  /** The netmem's transitions, oldest first. */
  readonly history: readonly string[];
}

/** Whose doing a broken rule is where no netmem tells. */
export interface Blame {
  readonly owner: string;
  readonly transition: string;
}

/** Netmems and the book on them. */
export interface Book {
  readonly table: NetmemTable;
  readonly ledger: Ledger;
}

/** Something promised to the user did not come: an errno, a counter, an order. */
export class PromiseBroken extends Error {
  override readonly name = "PromiseBroken";
  readonly netmem: number;

  constructor(what: string, found: unknown, promised: unknown, netmem = -1) {
    super(`${what}: ${String(found)}, promised ${String(promised)}`);
    this.netmem = netmem;
  }
}

/** A finding from what stopped a stage; null for an error that is no finding. */
export function findingOf(error: unknown, book: Book | null, blame: Blame): Finding | null {
  if (!(error instanceof InvariantViolation) && !(error instanceof PromiseBroken)) return null;
  const kind = error instanceof PromiseBroken ? "promise" : "invariant";
  const [message] = error.message.split("; history: ");
  return { kind, message: message!, netmem: error.netmem, ...whose(error.netmem, book, blame) };
}

/** Moves within a pool, or from it to a driver, which change nobody's references. */
const SILENT = /^T[23] /;

/**
 * Owner, transition and history of a netmem: the last transition that was more than a pool handing
 * it on, and who had it then. A netmem without a history tells nothing: the row does.
 */
export function whose(
  netmem: number,
  book: Book | null,
  blame: Blame,
): Pick<Finding, "owner" | "transition" | "history"> {
  const history = netmem < 0 ? [] : (book?.ledger.history?.events(netmem) ?? []);
  const last = history.filter((event) => !SILENT.test(event)).at(-1) ?? history.at(-1);
  const told = /^(.+) -> (\w+) at /.exec(last ?? "");
  if (told === null) return { ...blame, history };
  const owner = STATE_OWNER[STATE_NAME.indexOf(told[2]!)]!;
  return { owner: owner === "" ? "provider" : owner, transition: told[1]!, history };
}
