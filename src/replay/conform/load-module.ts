import { PROVIDER_CONTRACT, type ProviderModule } from "../../engine/provider/plugin.js";
import { NetmemError } from "../error.js";

/** Names that a plug-in cannot have: netmem's own providers, and what backends name. */
const TAKEN = ["page", "devmem", "zcrx", "umem", "kernel"];

/**
 * Loads a provider module and checks what it exports.
 *
 * @param url file URL of the module.
 * @throws NetmemError NETMEM_PROVIDER for a module that cannot be loaded or is no provider.
 */
export async function loadProviderModule(url: string): Promise<ProviderModule> {
  let exported: Record<string, unknown>;
  try {
    exported = (await import(url)) as Record<string, unknown>;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    throw refused(url, `cannot be loaded: ${reason.slice(0, 200)}`);
  }
  const { contract, name, create } = exported;
  if (contract === undefined) throw refused(url, "exports no contract number");
  if (contract !== PROVIDER_CONTRACT) {
    const known = `this netmem knows contract ${PROVIDER_CONTRACT}`;
    throw refused(url, `is written for provider contract ${String(contract)}; ${known}`);
  }
  if (typeof name !== "string" || !/^[a-z0-9][a-z0-9-]{0,39}$/.test(name)) {
    throw refused(url, "exports no name of small letters, digits and dashes");
  }
  if (TAKEN.includes(name)) throw refused(url, `calls itself ${name}, which is netmem's own`);
  if (typeof create !== "function") throw refused(url, "exports no function create");
  return { contract, name, create: create as ProviderModule["create"] };
}

function refused(url: string, what: string): NetmemError {
  const path = url.replace(/^file:\/\//, "");
  return new NetmemError(
    "NETMEM_PROVIDER",
    `provider module ${path} ${what}`,
    "Start from a module of fixtures/providers; docs/providers.md has the contract.",
  );
}
