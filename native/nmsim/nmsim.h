/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nmsim: two virtual NICs, linked back to back, that receive as a NIC with
 * header/data split and queue management does.
 *
 *   nm0 ndo_start_xmit --> parse --> steer --> nm1 RX queue
 *
 *   RX queue   posted netmems  [ . . . . ]  filled at the end of a poll
 *                    |  "DMA": one CPU copy to the netmem's DMA address
 *                    v
 *              completions     [ skb skb ]  --> NAPI poll --> stack
 *
 * A frame takes its buffers when it is sent, not when it is polled. So a queue
 * whose provider is dry drops in "hardware", as a NIC does.
 */
#ifndef NMSIM_H
#define NMSIM_H

#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/netdev_queues.h>
#include <net/netmem.h>
#include <net/page_pool/types.h>

#define NM_PORTS		2
#define NM_MAX_QUEUES		16
#define NM_DEFAULT_QUEUES	4
#define NM_MIN_RING		16
#define NM_DEFAULT_RING		256
#define NM_MAX_RING		4096
#define NM_MAX_PAGE_ORDER	9	/* buffers of up to 2 MiB */
#define NM_MAX_MTU		65535
#define NM_HEAD_BYTES		256	/* longest header that is split off */
#define NM_RULES		64
#define NM_INDIR		128
#define NM_KEY_BYTES		40

/* Posted netmems of a queue; head and tail only grow. */
struct nm_ring {
	struct page_pool *pp;
	netmem_ref *slot;
	u32 mask, head, tail;
	u32 buf_bytes;
};

/* What a queue counted since the module was loaded; under nm_rxq.lock. */
struct nm_rx_stats {
	u64 packets, bytes;
	u64 alloc_fail;		/* the pool had no netmem for a descriptor */
	u64 no_buffer;		/* frames dropped for want of posted netmems */
	u64 overrun;		/* completion ring full, or too many pieces */
	u64 stopped;		/* frames that came while the queue was stopped */
	u64 csum_unnecessary, csum_none;
	u64 unsplit;		/* TCP frames that went to linear memory whole */
	u64 gro_packets, gro_bytes;
	u64 net_iov_bytes, page_bytes, linear_bytes, dma_copies;
};

struct nm_rxq {
	struct napi_struct napi;
	spinlock_t lock;	/* ring, completions, active, stats */
	struct nm_ring ring;
	struct sk_buff_head cq;
	bool active;
	struct nm_rx_stats stats;
};

/* One ntuple rule; a zero mask matches anything. */
struct nm_rule {
	bool used, v6;
	u8 queue;
	__be16 sport, sport_mask, dport, dport_mask;
	__be32 src[4], src_mask[4], dst[4], dst_mask[4];
	u32 flow_type;
};

struct nm_port {
	struct net_device *dev, *peer;
	struct nm_rxq rxq[NM_MAX_QUEUES];
	unsigned int queues, ring;
	spinlock_t steer_lock;	/* rules, indir, key */
	struct nm_rule rule[NM_RULES];
	u32 indir[NM_INDIR];
	u8 key[NM_KEY_BYTES];
	u32 split_countdown;
};

/* What the NIC's parser makes of a frame; hdr_len is 0 unless it is TCP. */
struct nm_frame {
	unsigned int hdr_len, l3, l4;
	bool tcp, v6;
	__be32 src[4], dst[4];
	__be16 sport, dport;
};

/* nm_parse.c */
void nm_parse(const struct sk_buff *skb, struct nm_frame *frame);
bool nm_csum_ok(const struct sk_buff *skb, const struct nm_frame *frame);

/* nm_steer.c */
unsigned int nm_steer(struct nm_port *port, const struct nm_frame *frame);
void nm_steer_init(struct nm_port *port);
int nm_rule_insert(struct nm_port *port, struct ethtool_rxnfc *cmd);
int nm_rule_delete(struct nm_port *port, u32 location);
int nm_rule_get(struct nm_port *port, struct ethtool_rxnfc *cmd);
int nm_rule_list(struct nm_port *port, struct ethtool_rxnfc *cmd, u32 *locs);

/* nm_ring.c */
int nm_ring_create(struct net_device *dev, unsigned int queue,
		   const struct netdev_queue_config *qcfg, struct nm_ring *ring);
void nm_ring_destroy(struct nm_ring *ring);
bool nm_ring_fill(struct nm_ring *ring);
unsigned int nm_ring_posted(const struct nm_ring *ring);

/* nm_rx.c */
void nm_receive(struct nm_port *port, unsigned int queue, struct sk_buff *tx,
		const struct nm_frame *frame);
int nm_poll(struct napi_struct *napi, int budget);
void nm_rxq_start(struct nm_rxq *rxq);
void nm_rxq_stop(struct nm_rxq *rxq);

/* nm_queue.c */
extern const struct netdev_queue_mgmt_ops nm_queue_mgmt_ops;

/* nm_ethtool.c */
extern const struct ethtool_ops nm_ethtool_ops;
extern const struct netdev_stat_ops nm_stat_ops;

/* nm_main.c: module parameters */
extern unsigned int nm_hds_fail;
extern bool nm_fill_at_start;

#endif
