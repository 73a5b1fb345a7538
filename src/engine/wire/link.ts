/**
 * From a captured frame to its IP header, for every link type that a capture may have.
 * Sources: the LINKTYPE_ registry of libpcap; IEEE 802.1Q/802.1ad tags; RFC 2516 (PPPoE session).
 */

/** Link types. */
export const LINKTYPE_NULL = 0;
export const LINKTYPE_ETHERNET = 1;
/** These two: LINKTYPE_RAW as some systems wrote DLT_RAW. */
export const LINKTYPE_RAW_BSD = 12;
export const LINKTYPE_RAW_OPENBSD = 14;
export const LINKTYPE_RAW = 101;
export const LINKTYPE_LOOP = 108;
export const LINKTYPE_LINUX_SLL = 113;
export const LINKTYPE_IPV4 = 228;
export const LINKTYPE_IPV6 = 229;
export const LINKTYPE_LINUX_SLL2 = 276;

/** All of the above: what {@link Link.parse} knows. A frame of another link type is never IP. */
const READ: readonly number[] = [
  LINKTYPE_NULL,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW_BSD,
  LINKTYPE_RAW_OPENBSD,
  LINKTYPE_RAW,
  LINKTYPE_LOOP,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL2,
];

/** Whether frames of a link type are looked into. */
export function isReadLinkType(linkType: number): boolean {
  return READ.includes(linkType);
}

/** EtherTypes of the network layers. */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_QINQ = 0x88a8;
const ETHERTYPE_QINQ_OLD = 0x9100;
const ETHERTYPE_QINQ_OLDER = 0x9200;
const ETHERTYPE_PPPOE = 0x8864;
const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;

/** Where the network header of a frame is. Reused from frame to frame. */
export class Link {
  /** {@link ETHERTYPE_IPV4}, {@link ETHERTYPE_IPV6}, another EtherType, or -1: frame too short. */
  etherType = -1;
  /** Arena address of the network header. */
  l3 = 0;
  /** The tags in front of it, mixed into one number; 0 for none. */
  tags = 0;

  /** Parses the link headers of the `len` bytes at `addr`. */
  parse(view: DataView, addr: number, len: number, linkType: number): void {
    this.tags = 0;
    if (linkType === LINKTYPE_ETHERNET) this.#ethernet(view, addr, len);
    else if (linkType === LINKTYPE_LINUX_SLL) this.#cooked(view, addr, len, 16, 14);
    else if (linkType === LINKTYPE_LINUX_SLL2) this.#cooked(view, addr, len, 20, 0);
    else if (linkType === LINKTYPE_NULL || linkType === LINKTYPE_LOOP) this.#bsd(view, addr, len);
    else this.#raw(view, addr, len, linkType);
  }

  #ethernet(view: DataView, addr: number, len: number): void {
    if (len < 14) {
      this.etherType = -1;
      return;
    }
    this.etherType = view.getUint16(addr + 12);
    this.l3 = addr + 14;
    if (this.etherType !== ETHERTYPE_IPV4 && this.etherType !== ETHERTYPE_IPV6) {
      this.#untag(view, addr + len);
    }
  }

  #cooked(view: DataView, addr: number, len: number, header: number, protocolAt: number): void {
    if (len < header) {
      this.etherType = -1;
      return;
    }
    this.etherType = view.getUint16(addr + protocolAt);
    this.l3 = addr + header;
    this.#untag(view, addr + len);
  }

  /** Takes off any stack of VLAN tags and a PPPoE session header. */
  #untag(view: DataView, end: number): void {
    let type = this.etherType;
    let at = this.l3;
    while (
      (type === ETHERTYPE_VLAN ||
        type === ETHERTYPE_QINQ ||
        type === ETHERTYPE_QINQ_OLD ||
        type === ETHERTYPE_QINQ_OLDER) &&
      at + 4 <= end
    ) {
      this.tags = (Math.imul(this.tags, 4099) + (view.getUint16(at) & 0xfff) + 1) | 0;
      type = view.getUint16(at + 2);
      at += 4;
    }
    if (type === ETHERTYPE_PPPOE && at + 8 <= end) {
      this.tags = (Math.imul(this.tags, 4099) + view.getUint16(at + 2) + 0x10000) | 0;
      const ppp = view.getUint16(at + 6);
      type = ppp === PPP_IPV4 ? ETHERTYPE_IPV4 : ppp === PPP_IPV6 ? ETHERTYPE_IPV6 : 0;
      at += 8;
    }
    this.etherType = type;
    this.l3 = at;
  }

  /** BSD loopback: a 4-byte address family, in the writer's byte order (NULL) or big-endian. */
  #bsd(view: DataView, addr: number, len: number): void {
    if (len < 4) {
      this.etherType = -1;
      return;
    }
    const raw = view.getUint32(addr);
    const family = raw > 0xffff ? view.getUint32(addr, true) : raw;
    this.l3 = addr + 4;
    this.etherType =
      family === 2
        ? ETHERTYPE_IPV4
        : family === 10 || family === 24 || family === 28 || family === 30
          ? ETHERTYPE_IPV6
          : 0;
  }

  #raw(view: DataView, addr: number, len: number, linkType: number): void {
    this.l3 = addr;
    const raw =
      linkType === LINKTYPE_RAW ||
      linkType === LINKTYPE_RAW_BSD ||
      linkType === LINKTYPE_RAW_OPENBSD ||
      linkType === LINKTYPE_IPV4 ||
      linkType === LINKTYPE_IPV6;
    if (len < 1) {
      this.etherType = -1;
      return;
    }
    const version = raw ? view.getUint8(addr) >> 4 : 0;
    this.etherType = version === 4 ? ETHERTYPE_IPV4 : version === 6 ? ETHERTYPE_IPV6 : 0;
  }
}
