// SPDX-License-Identifier: GPL-2.0
/* Steering: ntuple rules first, lowest location first, then RSS. */
#include <linux/ethtool.h>
#include <linux/random.h>
#include <linux/unaligned.h>

#include "nmsim.h"

/* The Toeplitz hash over addresses and ports. */
static u32 nm_hash(const struct nm_port *port, const struct nm_frame *frame)
{
	unsigned int addr = frame->v6 ? 16 : 4, bytes = 2 * addr + 4, i, bit;
	u32 window = get_unaligned_be32(port->key), hash = 0;
	u8 input[36];

	memcpy(input, frame->src, addr);
	memcpy(input + addr, frame->dst, addr);
	memcpy(input + 2 * addr, &frame->sport, 2);
	memcpy(input + 2 * addr + 2, &frame->dport, 2);
	for (i = 0; i < bytes; i++) {
		for (bit = 0; bit < 8; bit++) {
			if (input[i] & (0x80 >> bit))
				hash ^= window;
			window <<= 1;
			if (port->key[(i + 4) % NM_KEY_BYTES] & (0x80 >> bit))
				window |= 1;
		}
	}
	return hash;
}

static bool nm_addr_matches(const __be32 *value, const __be32 *mask, const __be32 *addr)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		if ((addr[i] ^ value[i]) & mask[i])
			return false;
	return true;
}

static bool nm_rule_matches(const struct nm_rule *rule, const struct nm_frame *frame)
{
	return rule->used && rule->v6 == frame->v6 &&
	       !((frame->sport ^ rule->sport) & rule->sport_mask) &&
	       !((frame->dport ^ rule->dport) & rule->dport_mask) &&
	       nm_addr_matches(rule->src, rule->src_mask, frame->src) &&
	       nm_addr_matches(rule->dst, rule->dst_mask, frame->dst);
}

/* The RX queue of a frame; what is no TCP segment goes to queue 0. */
unsigned int nm_steer(struct nm_port *port, const struct nm_frame *frame)
{
	unsigned int queue = 0, i;

	if (!frame->tcp)
		return 0;
	spin_lock_bh(&port->steer_lock);
	for (i = 0; i < NM_RULES; i++)
		if (nm_rule_matches(&port->rule[i], frame))
			break;
	if (i < NM_RULES)
		queue = port->rule[i].queue;
	else
		queue = port->indir[nm_hash(port, frame) % NM_INDIR];
	spin_unlock_bh(&port->steer_lock);
	return queue;
}

void nm_steer_init(struct nm_port *port)
{
	unsigned int i;

	spin_lock_init(&port->steer_lock);
	get_random_bytes(port->key, sizeof(port->key));
	for (i = 0; i < NM_INDIR; i++)
		port->indir[i] = i % port->queues;
}

static int nm_rule_from(struct nm_rule *rule, const struct ethtool_rx_flow_spec *fs)
{
	const struct ethtool_tcpip4_spec *v4 = &fs->h_u.tcp_ip4_spec, *m4 = &fs->m_u.tcp_ip4_spec;
	const struct ethtool_tcpip6_spec *v6 = &fs->h_u.tcp_ip6_spec, *m6 = &fs->m_u.tcp_ip6_spec;

	memset(rule, 0, sizeof(*rule));
	rule->flow_type = fs->flow_type;
	rule->queue = fs->ring_cookie;
	if (fs->flow_type == TCP_V4_FLOW) {
		if (m4->tos)
			return -EOPNOTSUPP;
		rule->src[0] = v4->ip4src;
		rule->src_mask[0] = m4->ip4src;
		rule->dst[0] = v4->ip4dst;
		rule->dst_mask[0] = m4->ip4dst;
		rule->sport = v4->psrc;
		rule->sport_mask = m4->psrc;
		rule->dport = v4->pdst;
		rule->dport_mask = m4->pdst;
		return 0;
	}
	if (fs->flow_type != TCP_V6_FLOW || m6->tclass)
		return -EOPNOTSUPP;
	rule->v6 = true;
	memcpy(rule->src, v6->ip6src, sizeof(rule->src));
	memcpy(rule->src_mask, m6->ip6src, sizeof(rule->src_mask));
	memcpy(rule->dst, v6->ip6dst, sizeof(rule->dst));
	memcpy(rule->dst_mask, m6->ip6dst, sizeof(rule->dst_mask));
	rule->sport = v6->psrc;
	rule->sport_mask = m6->psrc;
	rule->dport = v6->pdst;
	rule->dport_mask = m6->pdst;
	return 0;
}

static void nm_rule_to(const struct nm_rule *rule, struct ethtool_rx_flow_spec *fs)
{
	struct ethtool_tcpip4_spec *v4 = &fs->h_u.tcp_ip4_spec, *m4 = &fs->m_u.tcp_ip4_spec;
	struct ethtool_tcpip6_spec *v6 = &fs->h_u.tcp_ip6_spec, *m6 = &fs->m_u.tcp_ip6_spec;

	fs->flow_type = rule->flow_type;
	fs->ring_cookie = rule->queue;
	if (!rule->v6) {
		v4->ip4src = rule->src[0];
		m4->ip4src = rule->src_mask[0];
		v4->ip4dst = rule->dst[0];
		m4->ip4dst = rule->dst_mask[0];
		v4->psrc = rule->sport;
		m4->psrc = rule->sport_mask;
		v4->pdst = rule->dport;
		m4->pdst = rule->dport_mask;
		return;
	}
	memcpy(v6->ip6src, rule->src, sizeof(rule->src));
	memcpy(m6->ip6src, rule->src_mask, sizeof(rule->src_mask));
	memcpy(v6->ip6dst, rule->dst, sizeof(rule->dst));
	memcpy(m6->ip6dst, rule->dst_mask, sizeof(rule->dst_mask));
	v6->psrc = rule->sport;
	m6->psrc = rule->sport_mask;
	v6->pdst = rule->dport;
	m6->pdst = rule->dport_mask;
}

int nm_rule_insert(struct nm_port *port, struct ethtool_rxnfc *cmd)
{
	u32 at = cmd->fs.location;
	struct nm_rule rule;
	int err;

	if (at >= NM_RULES || cmd->fs.ring_cookie >= port->queues)
		return -EINVAL;
	err = nm_rule_from(&rule, &cmd->fs);
	if (err)
		return err;
	rule.used = true;
	spin_lock_bh(&port->steer_lock);
	port->rule[at] = rule;
	spin_unlock_bh(&port->steer_lock);
	return 0;
}

int nm_rule_delete(struct nm_port *port, u32 location)
{
	bool used;

	if (location >= NM_RULES)
		return -EINVAL;
	spin_lock_bh(&port->steer_lock);
	used = port->rule[location].used;
	port->rule[location].used = false;
	spin_unlock_bh(&port->steer_lock);
	return used ? 0 : -ENOENT;
}

int nm_rule_get(struct nm_port *port, struct ethtool_rxnfc *cmd)
{
	u32 at = cmd->fs.location;

	if (at >= NM_RULES || !port->rule[at].used)
		return -ENOENT;
	nm_rule_to(&port->rule[at], &cmd->fs);
	return 0;
}

int nm_rule_list(struct nm_port *port, struct ethtool_rxnfc *cmd, u32 *locs)
{
	u32 i, count = 0;

	for (i = 0; i < NM_RULES; i++) {
		if (!port->rule[i].used)
			continue;
		if (locs && count == cmd->rule_cnt)
			return -EMSGSIZE;
		if (locs)
			locs[count] = i;
		count++;
	}
	cmd->rule_cnt = count;
	cmd->data = NM_RULES;
	return 0;
}
