/** Netlink messages (include/uapi/linux/netlink.h, rtnetlink.h, fib_rules.h, if_link.h). */
export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

/** Flags and types of messages. */
export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_DUMP = 0x300;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

/** What a refusal says in words: asked for by a socket option, an attribute behind the errno. */
export const SOL_NETLINK = 270;
export const NETLINK_CAP_ACK = 10;
export const NETLINK_EXT_ACK = 11;
export const NLM_F_ACK_TLVS = 0x200;
export const NLMSGERR_ATTR_MSG = 1;

/** Requests of rtnetlink. */
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWROUTE = 24;
export const RTM_NEWRULE = 32;

/** Attributes of a link. */
export const IFLA_IFNAME = 3;
export const IFLA_MTU = 4;
export const IFLA_TXQLEN = 13;
export const IFLA_LINKINFO = 18;
export const IFLA_MAX_MTU = 51;
export const IFLA_INFO_KIND = 1;
export const IFLA_INFO_DATA = 2;
export const VETH_INFO_PEER = 1;

/** Attributes and constants of a route. */
export const RTA_OIF = 4;
export const RTA_TABLE = 15;
export const RT_TABLE_MAIN = 254;
export const RTPROT_STATIC = 4;
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;

/** Attributes of a rule. */
export const FRA_IIFNAME = 3;
export const FRA_TABLE = 15;
export const FR_ACT_TO_TBL = 1;

/** Set on an attribute's type when it holds attributes. */
export const NLA_F_NESTED = 0x8000;
