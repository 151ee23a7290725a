/* SPDX-License-Identifier: ISC */
/*
 * discovery.c: from PEERs to addresses.
 *
 *	TARGET_NAME	mdns_ask --> iface --> mdns_next --+
 *	TARGET_HOST	resolve_start --> resolve_next ----+--> mesh_found
 *	TARGET_NUMBER	-----------------------------------+
 *
 * Who is linked is not asked for; who is not is asked for without end, less
 * and less often.
 */
#include "platform.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discovery.h"
#include "iface.h"
#include "mdns.h"
#include "resolve.h"

enum { LOOK_UP_AGAIN_MS = 5000 };

/* A PEER of the command line, and what became of it. */
struct contact {
	const struct target *target;
	int peer;     /* of the mesh */
	bool seen;    /* it was linked once */
	bool unknown; /* its look-up failed, and that was told */
	bool looking_up;
	int64_t look_up_ms;  /* TARGET_HOST: not before */
	const char *failure; /* of its look-up, still to be told; or NULL */
};

struct discovery {
	const struct options *options;
	struct mesh *mesh;
	int count;
	struct contact contacts[OPTIONS_PEERS_MAX];
	struct mdns *mdns;   /* NULL with no_mdns */
	struct iface *iface; /* NULL when it is not needed */
	struct resolve *resolve;
	bool cut_off; /* no network interface is up */
	bool cut_off_told;
};

/* Contacts. */

static struct contact *contact_of_peer(struct discovery *d, int peer)
{
	for (int i = 0; i < d->count; i++) {
		if (d->contacts[i].peer == peer)
			return &d->contacts[i];
	}
	return NULL;
}

/* Who is not linked is asked for, who is linked is not. */
static void contacts_update(struct discovery *d, int64_t now_ms)
{
	for (int i = 0; i < d->count; i++) {
		struct contact *contact = &d->contacts[i];
		bool linked = mesh_is_linked(d->mesh, contact->peer);

		contact->seen = contact->seen || linked;
		if (contact->target->kind != TARGET_NAME || d->mdns == NULL)
			continue;
		if (linked)
			mdns_stop_asking(d->mdns, contact->target->host);
		else if (mdns_ask(d->mdns, contact->target->host, now_ms) < 0)
			assert(false); /* it is valid, and there is room */
	}
}

static bool contact_may_look_up(const struct contact *contact)
{
	return contact->target->kind == TARGET_HOST && !contact->looking_up;
}

static void contact_look_up(
	struct discovery *d, struct contact *contact, int64_t now_ms)
{
	if (!contact_may_look_up(contact) || now_ms < contact->look_up_ms)
		return;
	contact->look_up_ms = now_ms + LOOK_UP_AGAIN_MS;
	contact->looking_up =
		resolve_start(d->resolve, contact->peer, contact->target->host,
			contact->target->port) == 0;
}

static void contact_looked_up(
	struct discovery *d, const struct resolve_event *event, int64_t now_ms)
{
	struct contact *contact = contact_of_peer(d, event->tag);

	assert(contact != NULL);
	contact->looking_up = false;
	contact->look_up_ms = INT64_MAX; /* until it can not be reached */
	if (event->count > 0) {
		mesh_found(d->mesh, event->tag, event->addresses, event->count,
			now_ms);
		return;
	}
	contact->look_up_ms = now_ms + LOOK_UP_AGAIN_MS;
	contact->failure = event->text;
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)address)->sin_port = htons(port);
}

static void contact_found(
	struct discovery *d, struct mdns_found *found, int64_t now_ms)
{
	for (int i = 0; i < d->count; i++) {
		struct contact *contact = &d->contacts[i];

		if (contact->target->kind != TARGET_NAME ||
			strcmp(contact->target->host, found->name) != 0 ||
			mesh_is_linked(d->mesh, contact->peer))
			continue;
		for (int a = 0; a < found->count; a++)
			set_port(&found->addresses[a], contact->target->port);
		mesh_found(d->mesh, contact->peer, found->addresses,
			found->count, now_ms);
	}
}

const char *discovery_failed(struct discovery *d, int peer, int64_t now_ms)
{
	struct contact *contact = contact_of_peer(d, peer);

	assert(contact != NULL);
	contact->look_up_ms = now_ms + LOOK_UP_AGAIN_MS;
	return contact->seen ? NULL : contact->target->text;
}

/* Interfaces. */

/* With --interface, links are made over the addresses of those alone. */
static void limit_links(
	struct discovery *d, const struct mdns_interface *list, int count)
{
	struct sockaddr_storage local[MESH_ADDRESSES_MAX * 4];
	int local_count = 0;

	memset(local, 0, sizeof(local));
	for (int i = 0; i < count; i++) {
		for (int a = 0; a < list[i].count; a++) {
			if (local_count < MESH_ADDRESSES_MAX * 4)
				local[local_count++] = list[i].addresses[a];
		}
	}
	/* With none left, an address that nobody has keeps all links off. */
	mesh_set_local(d->mesh, local, local_count == 0 ? 1 : local_count);
}

static void look_at_interfaces(struct discovery *d, int64_t now_ms)
{
	const struct mdns_interface *list;
	int count;

	if (!iface_changed(d->iface, &list, &count))
		return;
	d->cut_off = count == 0;
	if (d->mdns != NULL)
		mdns_set_interfaces(d->mdns, list, count, now_ms);
	if (d->options->interface_count > 0)
		limit_links(d, list, count);
}

/* The loop. */

void discovery_want(struct discovery *d, struct loop *loop)
{
	for (int i = 0; i < d->count; i++) {
		if (contact_may_look_up(&d->contacts[i]))
			loop_wake(loop, d->contacts[i].look_up_ms);
	}
	if (d->iface != NULL)
		iface_want(d->iface, loop);
	if (d->mdns != NULL)
		mdns_want(d->mdns, loop);
	resolve_want(d->resolve, loop);
}

void discovery_run(struct discovery *d, const struct loop *loop, int64_t now_ms)
{
	struct mdns_packet packet;
	struct mdns_found found;
	struct resolve_event looked_up;

	if (d->iface != NULL) {
		iface_run(d->iface, loop, now_ms);
		look_at_interfaces(d, now_ms);
	}
	resolve_run(d->resolve, loop);
	while (d->mdns != NULL && iface_next(d->iface, &packet))
		mdns_input(d->mdns, &packet, now_ms);
	while (d->mdns != NULL && mdns_next(d->mdns, &found))
		contact_found(d, &found, now_ms);
	for (int i = 0; i < d->count; i++)
		contact_look_up(d, &d->contacts[i], now_ms);
	while (resolve_next(d->resolve, &looked_up))
		contact_looked_up(d, &looked_up, now_ms);
	contacts_update(d, now_ms);
}

bool discovery_next(struct discovery *d, struct discovery_event *event)
{
	memset(event, 0, sizeof(*event));
	if (d->cut_off != d->cut_off_told) {
		d->cut_off_told = d->cut_off;
		event->kind = d->cut_off ? DISCOVERY_CUT_OFF : DISCOVERY_BACK;
		return true;
	}
	for (int i = 0; i < d->count; i++) {
		struct contact *contact = &d->contacts[i];

		if (contact->failure == NULL)
			continue;
		event->kind = DISCOVERY_UNKNOWN;
		event->target = contact->target;
		event->text = contact->failure;
		event->again = contact->unknown;
		contact->unknown = true;
		contact->failure = NULL;
		return true;
	}
	return false;
}

void discovery_send(struct discovery *d, int64_t now_ms)
{
	struct mdns_packet packet;

	while (d->mdns != NULL && mdns_output(d->mdns, &packet, now_ms))
		iface_send(d->iface, &packet);
}

/* Life. */

static void add_contacts(struct discovery *d, int64_t now_ms)
{
	char address[WIRE_ADDRESS_MAX + 1];

	for (int i = 0; i < d->options->peer_count; i++) {
		const struct target *target = &d->options->peers[i];
		struct contact *contact = &d->contacts[d->count++];

		/* Only who is looked for by name is known by name. */
		(void)snprintf(address, sizeof(address), "%s.local:%u",
			target->host, target->port);
		if (target->kind != TARGET_NAME)
			address[0] = '\0';
		contact->target = target;
		contact->peer = mesh_add_peer(d->mesh, address);
		if (target->kind == TARGET_NUMBER)
			mesh_found(d->mesh, contact->peer, &target->number, 1,
				now_ms);
	}
	contacts_update(d, now_ms);
}

struct discovery *discovery_open(
	const struct discovery_options *options, int64_t now_ms)
{
	const struct options *o = options->options;
	struct discovery *d = calloc(1, sizeof(*d));
	struct iface_options iface = { .names = o->interfaces,
		.name_count = o->interface_count,
		.multicast = !o->no_mdns };
	bool need_iface = !o->no_mdns || o->interface_count > 0;

	if (d == NULL)
		return NULL;
	d->options = o;
	d->mesh = options->mesh;
	d->resolve = resolve_open();
	if (!o->no_mdns)
		d->mdns = mdns_open(o->name, options->seed);
	if (need_iface)
		d->iface = iface_open(&iface);
	if (d->resolve == NULL || (d->mdns == NULL && !o->no_mdns) ||
		(d->iface == NULL && need_iface)) {
		discovery_close(d);
		return NULL;
	}
	add_contacts(d, now_ms);
	return d;
}

void discovery_close(struct discovery *d)
{
	int error = errno;

	if (d == NULL)
		return;
	mdns_close(d->mdns);
	iface_close(d->iface);
	resolve_close(d->resolve);
	free(d);
	errno = error;
}

void discovery_goodbye(struct discovery *d)
{
	if (d->mdns != NULL)
		mdns_goodbye(d->mdns);
}
