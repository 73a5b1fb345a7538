// SPDX-License-Identifier: GPL-2.0
/*
 * The parser: Ethernet, up to two VLAN tags, IPv4 or IPv6, TCP. It reads the
 * frame itself; what the sender's stack wrote into the skb is not used, so that
 * injected frames need no header offsets.
 */
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>

#include "nmsim.h"

static bool nm_parse_ip4(const struct sk_buff *skb, unsigned int l3,
			 struct nm_frame *frame)
{
	struct iphdr _ip;
	const struct iphdr *ip = skb_header_pointer(skb, l3, sizeof(_ip), &_ip);

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return false;
	frame->src[0] = ip->saddr;
	frame->dst[0] = ip->daddr;
	frame->l4 = l3 + ip->ihl * 4;
	return ip->protocol == IPPROTO_TCP && !ip_is_fragment(ip);
}

static bool nm_parse_ip6(const struct sk_buff *skb, unsigned int l3,
			 struct nm_frame *frame)
{
	struct ipv6hdr _ip;
	const struct ipv6hdr *ip = skb_header_pointer(skb, l3, sizeof(_ip), &_ip);

	if (!ip || ip->version != 6)
		return false;
	frame->v6 = true;
	memcpy(frame->src, &ip->saddr, sizeof(frame->src));
	memcpy(frame->dst, &ip->daddr, sizeof(frame->dst));
	frame->l4 = l3 + sizeof(*ip);
	return ip->nexthdr == IPPROTO_TCP;
}

void nm_parse(const struct sk_buff *skb, struct nm_frame *frame)
{
	unsigned int l3 = ETH_HLEN, tags;
	const struct tcphdr *th;
	struct tcphdr _th;
	__be16 _proto;
	const __be16 *proto;
	bool tcp = false;

	memset(frame, 0, sizeof(*frame));
	proto = skb_header_pointer(skb, ETH_HLEN - 2, sizeof(_proto), &_proto);
	for (tags = 0; proto && tags < 2 && eth_type_vlan(*proto); tags++) {
		proto = skb_header_pointer(skb, l3 + 2, sizeof(_proto), &_proto);
		l3 += VLAN_HLEN;
	}
	if (!proto)
		return;
	frame->l3 = l3;
	if (*proto == htons(ETH_P_IP))
		tcp = nm_parse_ip4(skb, l3, frame);
	else if (*proto == htons(ETH_P_IPV6))
		tcp = nm_parse_ip6(skb, l3, frame);
	if (!tcp)
		return;
	th = skb_header_pointer(skb, frame->l4, sizeof(_th), &_th);
	if (!th || th->doff < 5 || frame->l4 + th->doff * 4 > skb->len)
		return;
	frame->tcp = true;
	frame->sport = th->source;
	frame->dport = th->dest;
	frame->hdr_len = frame->l4 + th->doff * 4;
}

/* Whether the TCP checksum holds; one that was left to the NIC is the NIC's own. */
bool nm_csum_ok(const struct sk_buff *skb, const struct nm_frame *frame)
{
	unsigned int hdr = frame->l4 - frame->l3, len = skb->len - frame->l4;
	struct in6_addr *src = (struct in6_addr *)frame->src;
	struct in6_addr *dst = (struct in6_addr *)frame->dst;
	__be16 _total, *total;
	__wsum sum;

	if (skb->ip_summed == CHECKSUM_PARTIAL || skb_is_gso(skb))
		return true;
	/* Behind the segment, short frames are padded. */
	if (frame->v6) {
		total = skb_header_pointer(skb, frame->l3 + 4, sizeof(_total), &_total);
		len = min_t(unsigned int, len, ntohs(*total));
		sum = skb_checksum(skb, frame->l4, len, 0);
		return !csum_ipv6_magic(src, dst, len, IPPROTO_TCP, sum);
	}
	total = skb_header_pointer(skb, frame->l3 + 2, sizeof(_total), &_total);
	if (ntohs(*total) < hdr)
		return false;
	len = min_t(unsigned int, len, ntohs(*total) - hdr);
	sum = skb_checksum(skb, frame->l4, len, 0);
	return !csum_tcpudp_magic(frame->src[0], frame->dst[0], len, IPPROTO_TCP, sum);
}
