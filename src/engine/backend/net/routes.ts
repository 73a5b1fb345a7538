import {
  FR_ACT_TO_TBL,
  FRA_IIFNAME,
  FRA_TABLE,
  NETLINK_ROUTE,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_TABLE_MAIN,
  RTA_OIF,
  RTA_TABLE,
  RTM_NEWROUTE,
  RTM_NEWRULE,
  RTN_LOCAL,
  RTN_UNICAST,
  RTPROT_STATIC,
} from "../sys/netlink.js";
import { AF_INET, AF_INET6 } from "../sys/socket.js";
import { interfaceIndex } from "./device.js";
import { attribute32, attributeText, Netlink } from "./netlink.js";

/** The table that says of whatever comes in by the run's interface: it is for us. */
const TABLE_ALL_LOCAL = 100;

/**
 * Makes a namespace the receiver of every address, without having any:
 *
 *      in   from `name`  --rule-->  table 100: everything is local     -> our sockets
 *      out  from a socket ------->  main table: everything by `name`   -> back to us, dropped
 *
 * So both directions of a connection have their receiver in one namespace, at the capture's own
 * addresses, and what a socket answers never reaches the socket of the other direction.
 */
export function receiveEverything(name: string): void {
  const netlink = new Netlink(NETLINK_ROUTE);
  try {
    const loopback = interfaceIndex("lo");
    for (const family of [AF_INET, AF_INET6]) {
      const flags = NLM_F_CREATE | NLM_F_EXCL;
      const rule = Buffer.concat([
        rtmsg(family, 0, 0, 0, FR_ACT_TO_TBL),
        attributeText(FRA_IIFNAME, name),
        attribute32(FRA_TABLE, TABLE_ALL_LOCAL),
      ]);
      netlink.request(RTM_NEWRULE, flags, rule, `rule for ${name}`);
      const local = Buffer.concat([
        rtmsg(family, TABLE_ALL_LOCAL, RTPROT_STATIC, RT_SCOPE_HOST, RTN_LOCAL),
        attribute32(RTA_TABLE, TABLE_ALL_LOCAL),
        attribute32(RTA_OIF, loopback),
      ]);
      netlink.request(RTM_NEWROUTE, flags, local, "local route");
    }
  } finally {
    netlink.close();
  }
  sendEverything(name);
}

/** The way out alone: an interface that goes down loses it. */
export function sendEverything(name: string): void {
  const netlink = new Netlink(NETLINK_ROUTE);
  try {
    const out = interfaceIndex(name);
    for (const family of [AF_INET, AF_INET6]) {
      const back = Buffer.concat([
        rtmsg(family, RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_LINK, RTN_UNICAST),
        attribute32(RTA_OIF, out),
      ]);
      const flags = NLM_F_CREATE | NLM_F_EXCL;
      netlink.request(RTM_NEWROUTE, flags, back, `default route by ${name}`);
    }
  } finally {
    netlink.close();
  }
}

/** struct rtmsg; struct fib_rule_hdr has the same layout. All prefixes are of length 0. */
function rtmsg(
  family: number,
  table: number,
  protocol: number,
  scope: number,
  type: number,
): Buffer {
  return Buffer.from([family, 0, 0, 0, table, protocol, scope, type, 0, 0, 0, 0]);
}
