// SPDX-License-Identifier: GPL-2.0
/* ethtool: rings and header/data split, ntuple, RSS, statistics. */
#include <linux/ethtool.h>
#include <linux/log2.h>

#include "nmsim.h"

static void nm_get_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
			     struct kernel_ethtool_ringparam *kernel_ring,
			     struct netlink_ext_ack *extack)
{
	struct nm_port *port = netdev_priv(dev);

	ring->rx_max_pending = NM_MAX_RING;
	ring->rx_pending = port->ring;
	ring->tx_max_pending = NM_MAX_RING;
	ring->tx_pending = NM_DEFAULT_RING;
	kernel_ring->tcp_data_split = dev->cfg->hds_config;
	if (kernel_ring->tcp_data_split == ETHTOOL_TCP_DATA_SPLIT_UNKNOWN)
		kernel_ring->tcp_data_split = ETHTOOL_TCP_DATA_SPLIT_ENABLED;
	kernel_ring->hds_thresh = dev->cfg->hds_thresh;
	kernel_ring->hds_thresh_max = 0;
}

/* The length of the rings changes only while the port is down. */
static int nm_set_ringparam(struct net_device *dev, struct ethtool_ringparam *ring,
			    struct kernel_ethtool_ringparam *kernel_ring,
			    struct netlink_ext_ack *extack)
{
	struct nm_port *port = netdev_priv(dev);

	if (ring->rx_pending == port->ring)
		return 0;
	if (!is_power_of_2(ring->rx_pending) || ring->rx_pending < NM_MIN_RING) {
		NL_SET_ERR_MSG(extack, "rx ring must be a power of two, at least 16");
		return -EINVAL;
	}
	if (netif_running(dev)) {
		NL_SET_ERR_MSG(extack, "rx ring can change only while the port is down");
		return -EBUSY;
	}
	port->ring = ring->rx_pending;
	return 0;
}

static u32 nm_get_rx_ring_count(struct net_device *dev)
{
	struct nm_port *port = netdev_priv(dev);

	return port->queues;
}

static int nm_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *cmd, u32 *locs)
{
	struct nm_port *port = netdev_priv(dev);

	switch (cmd->cmd) {
	case ETHTOOL_GRXRINGS:
		cmd->data = port->queues;
		return 0;
	case ETHTOOL_GRXCLSRLCNT:
		return nm_rule_list(port, cmd, NULL);
	case ETHTOOL_GRXCLSRULE:
		return nm_rule_get(port, cmd);
	case ETHTOOL_GRXCLSRLALL:
		return nm_rule_list(port, cmd, locs);
	default:
		return -EOPNOTSUPP;
	}
}

static int nm_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *cmd)
{
	struct nm_port *port = netdev_priv(dev);

	switch (cmd->cmd) {
	case ETHTOOL_SRXCLSRLINS:
		return nm_rule_insert(port, cmd);
	case ETHTOOL_SRXCLSRLDEL:
		return nm_rule_delete(port, cmd->fs.location);
	default:
		return -EOPNOTSUPP;
	}
}

static u32 nm_get_rxfh_indir_size(struct net_device *dev)
{
	return NM_INDIR;
}

static u32 nm_get_rxfh_key_size(struct net_device *dev)
{
	return NM_KEY_BYTES;
}

static int nm_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rxfh)
{
	struct nm_port *port = netdev_priv(dev);

	rxfh->hfunc = ETH_RSS_HASH_TOP;
	if (rxfh->indir)
		memcpy(rxfh->indir, port->indir, sizeof(port->indir));
	if (rxfh->key)
		memcpy(rxfh->key, port->key, sizeof(port->key));
	return 0;
}

static int nm_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rxfh,
		       struct netlink_ext_ack *extack)
{
	struct nm_port *port = netdev_priv(dev);

	if (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE && rxfh->hfunc != ETH_RSS_HASH_TOP)
		return -EOPNOTSUPP;
	spin_lock_bh(&port->steer_lock);
	if (rxfh->indir)
		memcpy(port->indir, rxfh->indir, sizeof(port->indir));
	if (rxfh->key)
		memcpy(port->key, rxfh->key, sizeof(port->key));
	spin_unlock_bh(&port->steer_lock);
	return 0;
}

/* What is shown for each queue, in this order. */
static const struct {
	const char *name;
	size_t offset;
} nm_queue_stats[] = {
#define NM_STAT(field) { #field, offsetof(struct nm_rx_stats, field) }
	NM_STAT(packets), NM_STAT(bytes), NM_STAT(alloc_fail), NM_STAT(no_buffer),
	NM_STAT(overrun), NM_STAT(stopped), NM_STAT(csum_unnecessary), NM_STAT(csum_none),
	NM_STAT(unsplit), NM_STAT(gro_packets), NM_STAT(gro_bytes), NM_STAT(net_iov_bytes),
	NM_STAT(page_bytes), NM_STAT(linear_bytes), NM_STAT(dma_copies),
#undef NM_STAT
};

static int nm_get_sset_count(struct net_device *dev, int sset)
{
	struct nm_port *port = netdev_priv(dev);

	if (sset != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return port->queues * ARRAY_SIZE(nm_queue_stats);
}

static void nm_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	struct nm_port *port = netdev_priv(dev);
	unsigned int q, i;

	for (q = 0; q < port->queues; q++)
		for (i = 0; i < ARRAY_SIZE(nm_queue_stats); i++)
			ethtool_sprintf(&data, "rxq%u_%s", q, nm_queue_stats[i].name);
}

static void nm_get_ethtool_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	struct nm_port *port = netdev_priv(dev);
	unsigned int q, i;

	for (q = 0; q < port->queues; q++) {
		struct nm_rxq *rxq = &port->rxq[q];

		spin_lock_bh(&rxq->lock);
		for (i = 0; i < ARRAY_SIZE(nm_queue_stats); i++)
			*data++ = *(u64 *)((u8 *)&rxq->stats + nm_queue_stats[i].offset);
		spin_unlock_bh(&rxq->lock);
	}
}

const struct ethtool_ops nm_ethtool_ops = {
	.supported_ring_params	= ETHTOOL_RING_USE_TCP_DATA_SPLIT |
				  ETHTOOL_RING_USE_HDS_THRS,
	.get_link		= ethtool_op_get_link,
	.get_ringparam		= nm_get_ringparam,
	.set_ringparam		= nm_set_ringparam,
	.get_rx_ring_count	= nm_get_rx_ring_count,
	.get_rxnfc		= nm_get_rxnfc,
	.set_rxnfc		= nm_set_rxnfc,
	.get_rxfh_indir_size	= nm_get_rxfh_indir_size,
	.get_rxfh_key_size	= nm_get_rxfh_key_size,
	.get_rxfh		= nm_get_rxfh,
	.set_rxfh		= nm_set_rxfh,
	.get_sset_count		= nm_get_sset_count,
	.get_strings		= nm_get_strings,
	.get_ethtool_stats	= nm_get_ethtool_stats,
};

static void nm_queue_stats_rx(struct net_device *dev, int idx,
			      struct netdev_queue_stats_rx *stats)
{
	struct nm_port *port = netdev_priv(dev);
	struct nm_rxq *rxq = &port->rxq[idx];

	spin_lock_bh(&rxq->lock);
	stats->packets = rxq->stats.packets;
	stats->bytes = rxq->stats.bytes;
	stats->alloc_fail = rxq->stats.alloc_fail;
	stats->hw_drop_overruns = rxq->stats.no_buffer;
	stats->hw_drops = rxq->stats.no_buffer + rxq->stats.overrun + rxq->stats.stopped;
	stats->csum_unnecessary = rxq->stats.csum_unnecessary;
	stats->csum_none = rxq->stats.csum_none;
	stats->hw_gro_packets = rxq->stats.gro_packets;
	stats->hw_gro_bytes = rxq->stats.gro_bytes;
	spin_unlock_bh(&rxq->lock);
}

static void nm_queue_stats_tx(struct net_device *dev, int idx,
			      struct netdev_queue_stats_tx *stats)
{
	stats->packets = 0;
	stats->bytes = 0;
}

static void nm_base_stats(struct net_device *dev, struct netdev_queue_stats_rx *rx,
			  struct netdev_queue_stats_tx *tx)
{
	rx->packets = 0;
	rx->bytes = 0;
	rx->alloc_fail = 0;
	rx->hw_drops = 0;
	rx->hw_drop_overruns = 0;
	tx->packets = 0;
	tx->bytes = 0;
}

const struct netdev_stat_ops nm_stat_ops = {
	.get_queue_stats_rx	= nm_queue_stats_rx,
	.get_queue_stats_tx	= nm_queue_stats_tx,
	.get_base_stats		= nm_base_stats,
};
