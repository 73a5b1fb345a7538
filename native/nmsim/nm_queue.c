// SPDX-License-Identifier: GPL-2.0
/*
 * Queue management (struct netdev_queue_mgmt_ops). The core allocates new
 * memory, stops the queue, starts it with the new memory and frees the old. Two
 * orders of filling exist among drivers, and nm_fill_at_start chooses: before
 * the stop, so that a dry provider refuses the restart (bnxt), or at the start,
 * so that the queue comes up dry (fbnic).
 */
#include <linux/log2.h>

#include "nmsim.h"

struct nm_queue_mem {
	struct nm_ring ring;
};

static int nm_queue_mem_alloc(struct net_device *dev, struct netdev_queue_config *qcfg,
			      void *per_queue_mem, int idx)
{
	struct nm_queue_mem *mem = per_queue_mem;
	int err;

	err = nm_ring_create(dev, idx, qcfg, &mem->ring);
	if (err)
		return err;
	if (!nm_fill_at_start && !nm_ring_fill(&mem->ring) &&
	    nm_ring_posted(&mem->ring) < MAX_SKB_FRAGS) {
		nm_ring_destroy(&mem->ring);
		return -ENOMEM;
	}
	return 0;
}

static void nm_queue_mem_free(struct net_device *dev, void *per_queue_mem)
{
	struct nm_queue_mem *mem = per_queue_mem;

	nm_ring_destroy(&mem->ring);
}

static int nm_queue_start(struct net_device *dev, struct netdev_queue_config *qcfg,
			  void *per_queue_mem, int idx)
{
	struct nm_port *port = netdev_priv(dev);
	struct nm_queue_mem *mem = per_queue_mem;

	port->rxq[idx].ring = mem->ring;
	memset(&mem->ring, 0, sizeof(mem->ring));
	nm_rxq_start(&port->rxq[idx]);
	return 0;
}

static int nm_queue_stop(struct net_device *dev, void *per_queue_mem, int idx)
{
	struct nm_port *port = netdev_priv(dev);
	struct nm_queue_mem *mem = per_queue_mem;

	nm_rxq_stop(&port->rxq[idx]);
	mem->ring = port->rxq[idx].ring;
	memset(&port->rxq[idx].ring, 0, sizeof(mem->ring));
	return 0;
}

static void nm_default_qcfg(struct net_device *dev, struct netdev_queue_config *qcfg)
{
	qcfg->rx_page_size = PAGE_SIZE;
}

static int nm_validate_qcfg(struct net_device *dev, struct netdev_queue_config *qcfg,
			    struct netlink_ext_ack *extack)
{
	if (!is_power_of_2(qcfg->rx_page_size) || qcfg->rx_page_size < PAGE_SIZE ||
	    qcfg->rx_page_size > PAGE_SIZE << NM_MAX_PAGE_ORDER)
		return -ERANGE;
	return 0;
}

const struct netdev_queue_mgmt_ops nm_queue_mgmt_ops = {
	.ndo_queue_mem_size	= sizeof(struct nm_queue_mem),
	.ndo_queue_mem_alloc	= nm_queue_mem_alloc,
	.ndo_queue_mem_free	= nm_queue_mem_free,
	.ndo_queue_start	= nm_queue_start,
	.ndo_queue_stop		= nm_queue_stop,
	.ndo_default_qcfg	= nm_default_qcfg,
	.ndo_validate_qcfg	= nm_validate_qcfg,
	.supported_params	= QCFG_RX_PAGE_SIZE,
};
