// SPDX-License-Identifier: GPL-2.0
/* Receive: placement ("DMA"), completions, NAPI. */
#include <linux/dma-direct.h>
#include <linux/etherdevice.h>
#include <net/page_pool/helpers.h>

#include "nmsim.h"

/* What a DMA engine does: a bus address, turned into memory. */
static void *nm_dma_virt(struct net_device *dev, netmem_ref netmem)
{
	dma_addr_t addr = page_pool_get_dma_addr_netmem(netmem);

	return phys_to_virt(dma_to_phys(dev->dev.parent, addr));
}

/* Whether the NIC splits this frame: configured so, TCP, and not made to fail. */
static bool nm_splits(struct nm_port *port, const struct nm_frame *frame)
{
	if (!frame->tcp || frame->hdr_len > NM_HEAD_BYTES)
		return false;
	if (port->dev->cfg->hds_config == ETHTOOL_TCP_DATA_SPLIT_DISABLED)
		return false;
	if (!READ_ONCE(nm_hds_fail))
		return true;
	if (++port->split_countdown < READ_ONCE(nm_hds_fail))
		return true;
	port->split_countdown = 0;
	return false;
}

/* Copies [from, len) of the frame into posted netmems, one piece a netmem. */
static bool nm_place(struct nm_port *port, struct nm_rxq *rxq, struct sk_buff *skb,
		     const struct sk_buff *tx, unsigned int from)
{
	struct nm_ring *ring = &rxq->ring;
	unsigned int left = tx->len - from;
	unsigned int pieces = DIV_ROUND_UP(left, ring->buf_bytes), i;

	if (pieces > MAX_SKB_FRAGS) {
		rxq->stats.overrun++;
		return false;
	}
	if (pieces > nm_ring_posted(ring)) {
		rxq->stats.no_buffer++;
		return false;
	}
	for (i = 0; i < pieces; i++) {
		netmem_ref netmem = ring->slot[ring->head++ & ring->mask];
		unsigned int bytes = min(left, ring->buf_bytes);

		skb_copy_bits(tx, tx->len - left, nm_dma_virt(port->dev, netmem), bytes);
		page_pool_dma_sync_netmem_for_cpu(ring->pp, netmem, 0, bytes);
		skb_add_rx_frag_netmem(skb, i, netmem, 0, bytes, ring->buf_bytes);
		if (netmem_is_net_iov(netmem))
			rxq->stats.net_iov_bytes += bytes;
		else
			rxq->stats.page_bytes += bytes;
		rxq->stats.dma_copies++;
		left -= bytes;
	}
	return true;
}

static void nm_describe(struct nm_rxq *rxq, struct sk_buff *skb, struct sk_buff *tx,
			const struct nm_frame *frame)
{
	skb_mark_for_recycle(skb);
	if (frame->tcp && nm_csum_ok(tx, frame)) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		rxq->stats.csum_unnecessary++;
	} else {
		rxq->stats.csum_none++;
	}
	if (!skb_is_gso(tx))
		return;
	/* The wire carried a superpacket: hardware GRO. */
	skb_shinfo(skb)->gso_size = skb_shinfo(tx)->gso_size;
	skb_shinfo(skb)->gso_type = skb_shinfo(tx)->gso_type;
	skb_shinfo(skb)->gso_segs = skb_shinfo(tx)->gso_segs;
	rxq->stats.gro_packets++;
	rxq->stats.gro_bytes += tx->len;
}

/* A frame arrives: buffers are taken and written now, the poll comes later. */
static bool nm_complete(struct nm_port *port, struct nm_rxq *rxq, struct sk_buff *tx,
			const struct nm_frame *frame)
{
	bool split = nm_splits(port, frame);
	/* Unsplit: as far as it fits into the head, the rest into netmems. */
	unsigned int head = split ? frame->hdr_len : min_t(unsigned int, tx->len, PAGE_SIZE);
	struct sk_buff *skb;

	if (skb_queue_len(&rxq->cq) > rxq->ring.mask) {
		rxq->stats.overrun++;
		return false;
	}
	skb = netdev_alloc_skb_ip_align(port->dev, head);
	if (!skb) {
		rxq->stats.overrun++;
		return false;
	}
	skb_copy_bits(tx, 0, skb_put(skb, head), head);
	if (tx->len > head && !nm_place(port, rxq, skb, tx, head)) {
		dev_kfree_skb_any(skb);
		return false;
	}
	rxq->stats.linear_bytes += head;
	if (frame->tcp && !split)
		rxq->stats.unsplit++;
	nm_describe(rxq, skb, tx, frame);
	__skb_queue_tail(&rxq->cq, skb);
	return true;
}

void nm_receive(struct nm_port *port, unsigned int queue, struct sk_buff *tx,
		const struct nm_frame *frame)
{
	struct nm_rxq *rxq = &port->rxq[queue];
	bool taken = false, active;

	spin_lock_bh(&rxq->lock);
	active = rxq->active;
	if (active)
		taken = nm_complete(port, rxq, tx, frame);
	else
		rxq->stats.stopped++;
	spin_unlock_bh(&rxq->lock);
	if (!taken)
		dev_dstats_rx_dropped(port->dev);
	/* Also without a completion: a dry ring asks the driver for buffers. */
	if (active)
		napi_schedule(&rxq->napi);
}

int nm_poll(struct napi_struct *napi, int budget)
{
	struct nm_rxq *rxq = container_of(napi, struct nm_rxq, napi);
	struct net_device *dev = napi->dev;
	struct nm_port *port = netdev_priv(dev);
	int done = 0;

	while (done < budget) {
		struct sk_buff *skb;

		spin_lock_bh(&rxq->lock);
		skb = __skb_dequeue(&rxq->cq);
		if (skb) {
			rxq->stats.packets++;
			rxq->stats.bytes += skb->len;
		}
		spin_unlock_bh(&rxq->lock);
		if (!skb)
			break;
		dev_dstats_rx_add(dev, skb->len);
		skb_record_rx_queue(skb, rxq - port->rxq);
		skb->protocol = eth_type_trans(skb, dev);
		if (skb_is_gso(skb))
			netif_receive_skb(skb);
		else
			napi_gro_receive(napi, skb);
		done++;
	}
	spin_lock_bh(&rxq->lock);
	if (rxq->active && !nm_ring_fill(&rxq->ring))
		rxq->stats.alloc_fail++;
	spin_unlock_bh(&rxq->lock);
	if (done < budget && napi_complete_done(napi, done) &&
	    !skb_queue_empty_lockless(&rxq->cq))
		napi_schedule(napi);
	return done;
}

/* The caller holds the instance lock; NAPI runs from here on. */
void nm_rxq_start(struct nm_rxq *rxq)
{
	/* Before NAPI runs: it alone may touch the pool's cache afterwards. */
	if (!nm_ring_fill(&rxq->ring))
		rxq->stats.alloc_fail++;
	napi_enable_locked(&rxq->napi);
	spin_lock_bh(&rxq->lock);
	rxq->active = true;
	spin_unlock_bh(&rxq->lock);
}

/* DMA is silent first, then NAPI; what was completed and not polled is lost. */
void nm_rxq_stop(struct nm_rxq *rxq)
{
	struct sk_buff_head lost;

	__skb_queue_head_init(&lost);
	spin_lock_bh(&rxq->lock);
	rxq->active = false;
	spin_unlock_bh(&rxq->lock);
	napi_disable_locked(&rxq->napi);
	page_pool_disable_direct_recycling(rxq->ring.pp);
	spin_lock_bh(&rxq->lock);
	rxq->stats.stopped += skb_queue_len(&rxq->cq);
	skb_queue_splice_init(&rxq->cq, &lost);
	spin_unlock_bh(&rxq->lock);
	__skb_queue_purge(&lost);
}
