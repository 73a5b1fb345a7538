import { EOPNOTSUPP, SystemError } from "../ffi/errno.js";
import {
  IFLA_IFNAME,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_LINKINFO,
  IFLA_MTU,
  NETLINK_ROUTE,
  NLA_F_NESTED,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELLINK,
  RTM_NEWLINK,
  VETH_INFO_PEER,
} from "../sys/netlink.js";
import { Unavailable } from "../unavailable.js";
import { interfaceIndex } from "./device.js";
import { attribute, attribute32, attributeText, ifinfo, Netlink } from "./netlink.js";

/**
 * Makes a pair of interfaces: what goes out by one comes in by the other.
 *
 * @throws Unavailable where the kernel has no veth.
 */
export function createVeth(name: string, peer: string, mtu: number): void {
  const far = Buffer.concat([
    ifinfo(),
    attributeText(IFLA_IFNAME, peer),
    attribute32(IFLA_MTU, mtu),
  ]);
  const data = attribute(VETH_INFO_PEER | NLA_F_NESTED, far);
  const kind = Buffer.concat([
    attributeText(IFLA_INFO_KIND, "veth"),
    attribute(IFLA_INFO_DATA | NLA_F_NESTED, data),
  ]);
  const request = Buffer.concat([
    ifinfo(),
    attributeText(IFLA_IFNAME, name),
    attribute32(IFLA_MTU, mtu),
    attribute(IFLA_LINKINFO | NLA_F_NESTED, kind),
  ]);
  const netlink = new Netlink(NETLINK_ROUTE);
  try {
    netlink.request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, request, "RTM_NEWLINK veth");
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== EOPNOTSUPP) throw error;
    throw new Unavailable("veth", "the kernel makes no veth pair", "use a kernel with CONFIG_VETH");
  } finally {
    netlink.close();
  }
}

/** Takes an interface away, with its peer; nothing happens where there is none of this name. */
export function deleteLink(name: string): void {
  const index = interfaceIndex(name);
  if (index === 0) return;
  const netlink = new Netlink(NETLINK_ROUTE);
  try {
    netlink.request(RTM_DELLINK, 0, ifinfo(index), `RTM_DELLINK ${name}`);
  } finally {
    netlink.close();
  }
}
