import { EXIT } from "../../replay/error.js";

/** A signal that the first SIGINT aborts; the second one ends the process at once. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Stops listening; SIGINT does again what it did before. */
  release(): void;
}

/** Listens for SIGINT until `release` is called. */
export function listenForInterrupt(): Interrupt {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on("SIGINT", stop);
  return { signal: controller.signal, release: () => process.off("SIGINT", stop) };
}
