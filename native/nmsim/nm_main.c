// SPDX-License-Identifier: GPL-2.0
/* The ports: module, netdevs, open and stop, transmit. */
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/rtnetlink.h>
#include <net/netdev_lock.h>
#include <net/netdev_rx_queue.h>

#include "nmsim.h"

static unsigned int queues = NM_DEFAULT_QUEUES;
module_param(queues, uint, 0444);
MODULE_PARM_DESC(queues, "RX and TX queues of each port, 1 to 16 (default 4)");

static unsigned int ring = NM_DEFAULT_RING;
module_param(ring, uint, 0444);
MODULE_PARM_DESC(ring, "descriptors of each RX queue, a power of two (default 256)");

unsigned int nm_hds_fail;
module_param_named(hds_fail, nm_hds_fail, uint, 0644);
MODULE_PARM_DESC(hds_fail, "leave every Nth TCP frame unsplit, 0 for none (default 0)");

bool nm_fill_at_start;
module_param_named(fill_at_start, nm_fill_at_start, bool, 0644);
MODULE_PARM_DESC(fill_at_start, "fill a new ring at queue start, not before the stop");

static struct platform_device *nm_parent;
static struct net_device *nm_dev[NM_PORTS];

/* Set under RTNL once both ports are registered, cleared before they go. */
static bool nm_ready;

/*
 * "nm0:1": restarts RX queue 1 of nm0, as the core does when a provider comes or
 * goes. What a NIC's own recovery, or a change of its settings, does to a queue.
 */
static int nm_restart_set(const char *value, const struct kernel_param *param)
{
	unsigned int i, queue;
	int err = -ENODEV;
	char name[IFNAMSIZ];

	if (sscanf(value, "%15[^:]:%u", name, &queue) != 2)
		return -EINVAL;
	rtnl_lock();
	for (i = 0; nm_ready && i < NM_PORTS; i++) {
		struct net_device *dev = nm_dev[i];

		if (strcmp(netdev_name(dev), name))
			continue;
		netdev_lock(dev);
		if (queue >= dev->real_num_rx_queues)
			err = -ERANGE;
		else if (!netif_running(dev))
			err = -ENETDOWN;
		else
			err = netdev_rx_queue_restart(dev, queue);
		netdev_unlock(dev);
	}
	rtnl_unlock();
	return err;
}

static const struct kernel_param_ops nm_restart_ops = {
	.set = nm_restart_set,
};
module_param_cb(restart, &nm_restart_ops, NULL, 0200);
MODULE_PARM_DESC(restart, "write PORT:QUEUE to restart an RX queue");

static netdev_tx_t nm_start_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct nm_port *port = netdev_priv(dev);
	struct nm_port *peer = netdev_priv(port->peer);
	struct nm_frame frame;

	skb_tx_timestamp(skb);
	nm_parse(skb, &frame);
	nm_receive(peer, nm_steer(peer, &frame), skb, &frame);
	dev_dstats_tx_add(dev, skb->len);
	dev_consume_skb_any(skb);
	return NETDEV_TX_OK;
}

/* Undoes what nm_open did for the queues below `count`. */
static void nm_close_queues(struct nm_port *port, unsigned int count, bool started)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		netif_queue_set_napi(port->dev, i, NETDEV_QUEUE_TYPE_RX, NULL);
		if (started)
			nm_rxq_stop(&port->rxq[i]);
		__netif_napi_del_locked(&port->rxq[i].napi);
	}
	synchronize_net();
	for (i = 0; i < count; i++)
		nm_ring_destroy(&port->rxq[i].ring);
}

/* A port that is up holds the module: its queues may have a provider's memory. */
static int nm_open(struct net_device *dev)
{
	struct nm_port *port = netdev_priv(dev);
	unsigned int i;
	int err;

	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	for (i = 0; i < port->queues; i++) {
		struct netdev_queue_config qcfg = {};
		struct nm_rxq *rxq = &port->rxq[i];

		netdev_queue_config(dev, i, &qcfg);
		netif_napi_add_config_locked(dev, &rxq->napi, nm_poll, i);
		err = nm_ring_create(dev, i, &qcfg, &rxq->ring);
		if (err) {
			__netif_napi_del_locked(&rxq->napi);
			nm_close_queues(port, i, false);
			module_put(THIS_MODULE);
			return err;
		}
	}
	for (i = 0; i < port->queues; i++) {
		netif_queue_set_napi(dev, i, NETDEV_QUEUE_TYPE_RX, &port->rxq[i].napi);
		nm_rxq_start(&port->rxq[i]);
	}
	netif_tx_start_all_queues(dev);
	netif_carrier_on(dev);
	return 0;
}

static int nm_stop(struct net_device *dev)
{
	struct nm_port *port = netdev_priv(dev);

	netif_carrier_off(dev);
	netif_tx_stop_all_queues(dev);
	nm_close_queues(port, port->queues, true);
	module_put(THIS_MODULE);
	return 0;
}

static const struct net_device_ops nm_netdev_ops = {
	.ndo_open		= nm_open,
	.ndo_stop		= nm_stop,
	.ndo_start_xmit		= nm_start_xmit,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
};

static void nm_setup(struct net_device *dev)
{
	ether_setup(dev);
	eth_hw_addr_random(dev);
	dev->netdev_ops = &nm_netdev_ops;
	dev->ethtool_ops = &nm_ethtool_ops;
	dev->stat_ops = &nm_stat_ops;
	dev->queue_mgmt_ops = &nm_queue_mgmt_ops;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_DSTATS;
	dev->features |= NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_HIGHDMA |
			 NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_RXCSUM | NETIF_F_NTUPLE |
			 NETIF_F_RXHASH;
	dev->hw_features |= dev->features;
	dev->max_mtu = NM_MAX_MTU;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
}

static struct net_device *nm_port_create(void)
{
	struct net_device *dev;
	struct nm_port *port;
	unsigned int i;

	dev = alloc_netdev_mqs(sizeof(*port), "nm%d", NET_NAME_ENUM, nm_setup, queues, queues);
	if (!dev)
		return NULL;
	port = netdev_priv(dev);
	port->dev = dev;
	port->queues = queues;
	port->ring = ring;
	nm_steer_init(port);
	for (i = 0; i < queues; i++) {
		spin_lock_init(&port->rxq[i].lock);
		__skb_queue_head_init(&port->rxq[i].cq);
	}
	SET_NETDEV_DEV(dev, &nm_parent->dev);
	dev->cfg->hds_config = ETHTOOL_TCP_DATA_SPLIT_ENABLED;
	return dev;
}

static void nm_destroy(unsigned int registered)
{
	unsigned int i;

	rtnl_lock();
	nm_ready = false;
	rtnl_unlock();
	for (i = 0; i < registered; i++)
		unregister_netdev(nm_dev[i]);
	for (i = 0; i < NM_PORTS; i++)
		if (nm_dev[i])
			free_netdev(nm_dev[i]);
	/*
	 * The last work of a devmem binding unmaps its dma-buf by this device, and
	 * holds no reference of it (net/core/devmem.c, dma_buf_dynamic_attach). It may
	 * run after the module went: the memory of the device stays.
	 */
	if (registered)
		get_device(&nm_parent->dev);
	platform_device_unregister(nm_parent);
}

static int __init nm_init(void)
{
	unsigned int i;
	int err;

	if (!queues || queues > NM_MAX_QUEUES || !is_power_of_2(ring) ||
	    ring < NM_MIN_RING || ring > NM_MAX_RING)
		return -EINVAL;
	nm_parent = platform_device_register_simple("nmsim", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(nm_parent))
		return PTR_ERR(nm_parent);
	err = dma_coerce_mask_and_coherent(&nm_parent->dev, DMA_BIT_MASK(64));
	for (i = 0; !err && i < NM_PORTS; i++) {
		nm_dev[i] = nm_port_create();
		if (!nm_dev[i])
			err = -ENOMEM;
	}
	if (err) {
		nm_destroy(0);
		return err;
	}
	for (i = 0; i < NM_PORTS; i++)
		((struct nm_port *)netdev_priv(nm_dev[i]))->peer = nm_dev[1 - i];
	for (i = 0; i < NM_PORTS; i++) {
		err = register_netdev(nm_dev[i]);
		if (err) {
			nm_destroy(i);
			return err;
		}
	}
	rtnl_lock();
	nm_ready = true;
	rtnl_unlock();
	return 0;
}

static void __exit nm_exit(void)
{
	nm_destroy(NM_PORTS);
}

module_init(nm_init);
module_exit(nm_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Linked virtual NICs with header/data split and queue management");
MODULE_IMPORT_NS("NETDEV_INTERNAL");
