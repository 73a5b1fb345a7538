// SPDX-License-Identifier: GPL-2.0
/* A queue's page pool and the netmems that are posted from it. */
#include <linux/slab.h>
#include <net/page_pool/helpers.h>

#include "nmsim.h"

static struct page_pool *nm_pool_create(struct net_device *dev, unsigned int queue,
					unsigned int order, unsigned int size)
{
	struct nm_port *port = netdev_priv(dev);
	struct page_pool_params params = {
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV |
			 PP_FLAG_ALLOW_UNREADABLE_NETMEM,
		.order = order,
		.pool_size = size,
		.nid = NUMA_NO_NODE,
		.dev = dev->dev.parent,
		.napi = &port->rxq[queue].napi,
		.dma_dir = DMA_FROM_DEVICE,
		.max_len = PAGE_SIZE << order,
		.netdev = dev,
		.queue_idx = queue,
	};

	return page_pool_create(&params);
}

int nm_ring_create(struct net_device *dev, unsigned int queue,
		   const struct netdev_queue_config *qcfg, struct nm_ring *ring)
{
	struct nm_port *port = netdev_priv(dev);
	u32 bytes = qcfg && qcfg->rx_page_size ? qcfg->rx_page_size : PAGE_SIZE;
	struct page_pool *pp;

	memset(ring, 0, sizeof(*ring));
	ring->slot = kvcalloc(port->ring, sizeof(*ring->slot), GFP_KERNEL);
	if (!ring->slot)
		return -ENOMEM;
	pp = nm_pool_create(dev, queue, get_order(bytes), port->ring);
	if (IS_ERR(pp)) {
		kvfree(ring->slot);
		ring->slot = NULL;
		return PTR_ERR(pp);
	}
	ring->pp = pp;
	ring->mask = port->ring - 1;
	ring->buf_bytes = bytes;
	return 0;
}

unsigned int nm_ring_posted(const struct nm_ring *ring)
{
	return ring->tail - ring->head;
}

/* Posts a netmem in every free descriptor; false when the pool ran out. */
bool nm_ring_fill(struct nm_ring *ring)
{
	while (nm_ring_posted(ring) <= ring->mask) {
		netmem_ref netmem;

		netmem = page_pool_alloc_netmems(ring->pp, GFP_ATOMIC | __GFP_NOWARN);
		if (!netmem)
			return false;
		ring->slot[ring->tail++ & ring->mask] = netmem;
	}
	return true;
}

/* Gives the posted netmems back and lets the pool go. */
void nm_ring_destroy(struct nm_ring *ring)
{
	if (!ring->pp)
		return;
	while (nm_ring_posted(ring))
		page_pool_put_full_netmem(ring->pp,
					  ring->slot[ring->head++ & ring->mask], false);
	page_pool_destroy(ring->pp);
	kvfree(ring->slot);
	memset(ring, 0, sizeof(*ring));
}
