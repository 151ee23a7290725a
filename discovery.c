/* SPDX-License-Identifier: ISC */
/*
 * discovery.c: from names to addresses.
 *
 *	TARGET_NAME	mdns_ask --> iface --> mdns_next --+
 *	our room	iface --> mdns_next ---------------+--> mesh_found
 *	TARGET_HOST	resolve_start --> resolve_next ----+
 *	TARGET_NUMBER	-----------------------------------+
 *
 * Who is linked is not asked for.  Who was named and is not linked is looked
 * for without end, less and less often; who was only found is forgotten when
 * his service is gone and he is not linked.  What is found is a hint: whom a
 * link leads to, the link finds out.
 */
#include "platform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discovery.h"
#include "iface.h"
#include "mdns.h"
#include "net.h"
#include "people.h"
#include "resolve.h"

enum {
	LOOK_UP_AGAIN_MS = 5000,
	RENAMED_AGAIN_MS = 60 * 1000 /* what anybody could make us repeat */
};

/* Somebody to be linked with: a PEER of the command line, or found. */
struct contact {
	bool used;
	const struct target *target;    /* NULL: found */
	char name[PEOPLE_NAME_MAX + 1]; /* in multicast DNS; "": not there */
	uint16_t port;
	int peer; /* of the mesh */
	bool linked;
	bool seen;    /* it was linked once */
	bool gone;    /* its service is */
	bool failed;  /* since it was found last */
	bool unknown; /* its look-up failed, and that was told */
	bool looking_up;
	int64_t look_up_ms;  /* TARGET_HOST: not before */
	const char *failure; /* of its look-up, still to be told; or NULL */
};

/* What interfaces there are. */
enum network { NETWORK_UP, NETWORK_ALONE, NETWORK_NONE };

struct discovery {
	const struct options *options;
	struct mesh *mesh;
	uint16_t port; /* own */
	struct contact contacts[DIAL_PEERS_MAX];
	struct mdns *mdns;   /* NULL with no_mdns */
	struct iface *iface; /* NULL when it is not needed */
	struct resolve *resolve;
	enum network network;
	enum network network_told;
	char renamed[PEOPLE_NAME_MAX + 1]; /* to be told; or "" */
	char renamed_told[PEOPLE_NAME_MAX + 1];
	int64_t renamed_ms; /* no word about it before */
	bool denied_told;
	bool taken_told;
	int64_t now_ms; /* of the last turn */
};

/* Contacts. */

static struct contact *contact_of_peer(struct discovery *d, int peer)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		if (d->contacts[i].used && d->contacts[i].peer == peer)
			return &d->contacts[i];
	}
	return NULL;
}

static struct contact *contact_named(struct discovery *d, const char *name)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		if (d->contacts[i].used &&
			strcmp(d->contacts[i].name, name) == 0)
			return &d->contacts[i];
	}
	return NULL;
}

/* What a contact calls itself, "" when that is not known. */
static void contact_address(
	const struct contact *contact, char address[LEGACY_ADDRESS_MAX + 1])
{
	address[0] = '\0';
	/* Who was only found may have another name than its machine. */
	if (contact->target != NULL && contact->name[0] != '\0')
		(void)snprintf(address, LEGACY_ADDRESS_MAX + 1, "%s.local:%u",
			contact->name, contact->port);
}

static void contact_forget(struct discovery *d, struct contact *contact)
{
	mesh_forget_peer(d->mesh, contact->peer);
	memset(contact, 0, sizeof(*contact));
}

/* A place for one more: free, or that of one who can not be reached. */
static struct contact *contact_place(struct discovery *d)
{
	struct contact *victim = NULL;

	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		struct contact *contact = &d->contacts[i];

		if (!contact->used)
			return contact;
		if (contact->target == NULL && contact->failed &&
			!contact->linked)
			victim = contact;
	}
	if (victim != NULL)
		contact_forget(d, victim);
	return victim;
}

/* `target` is NULL for who was only found.  NULL when there is no place. */
static struct contact *contact_add(struct discovery *d,
	const struct target *target, const char *name, uint16_t port)
{
	struct contact *contact = contact_place(d);
	char address[LEGACY_ADDRESS_MAX + 1];

	if (contact == NULL)
		return NULL;
	contact->target = target;
	contact->port = port;
	(void)snprintf(contact->name, sizeof(contact->name), "%s", name);
	contact_address(contact, address);
	contact->peer = target == NULL ? mesh_add_found(d->mesh)
				       : mesh_add_peer(d->mesh, address);
	contact->used = contact->peer >= 0;
	return contact->used ? contact : NULL;
}

/* Who is linked is not asked for; who is gone need not be dialled. */
static void contacts_update(struct discovery *d, int64_t now_ms)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		struct contact *contact = &d->contacts[i];
		bool linked;

		if (!contact->used)
			continue;
		linked = mesh_is_linked(d->mesh, contact->peer);
		contact->seen = contact->seen || linked;
		if (linked != contact->linked && contact->name[0] != '\0' &&
			d->mdns != NULL)
			mdns_set_linked(d->mdns, contact->name, linked, now_ms);
		contact->linked = linked;
		if (contact->target == NULL && contact->gone && !linked)
			contact_forget(d, contact);
	}
}

static bool contact_may_look_up(const struct contact *contact)
{
	return contact->used && contact->target != NULL &&
	       contact->target->kind == TARGET_HOST && !contact->looking_up;
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

	assert(contact != NULL); /* the named ones stay */
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

/* It answers by a name, at a port that its service told, if it has one. */
static void contact_found(
	struct discovery *d, struct mdns_event *found, int64_t now_ms)
{
	struct contact *contact = contact_named(d, found->name);
	char address[LEGACY_ADDRESS_MAX + 1];

	if (contact == NULL && found->room == MDNS_ROOM_OURS &&
		found->service && !d->options->only &&
		people_name_valid(found->name))
		contact = contact_add(d, NULL, found->name, found->port);
	if (contact == NULL)
		return;
	contact->gone = contact->failed = false;
	if (mesh_is_linked(d->mesh, contact->peer))
		return;
	if (found->service &&
		(contact->target == NULL ||
			strchr(contact->target->text, ':') == NULL))
		contact->port = found->port;
	contact_address(contact, address);
	mesh_set_peer_address(d->mesh, contact->peer, address);
	for (int i = 0; i < found->count; i++)
		net_set_port(&found->addresses[i], contact->port);
	mesh_found(
		d->mesh, contact->peer, found->addresses, found->count, now_ms);
}

const char *discovery_failed(struct discovery *d, int peer, int64_t now_ms)
{
	struct contact *contact = contact_of_peer(d, peer);

	assert(contact != NULL);
	contact->failed = true;
	contact->look_up_ms = now_ms + LOOK_UP_AGAIN_MS;
	if (d->mdns != NULL && contact->name[0] != '\0')
		mdns_doubt(d->mdns, contact->name, now_ms);
	if (contact->seen)
		return NULL;
	return contact->target != NULL ? contact->target->text : contact->name;
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
	d->network = count == 0 ? NETWORK_NONE : NETWORK_ALONE;
	for (int i = 0; i < count; i++) {
		if (!list[i].loopback)
			d->network = NETWORK_UP;
	}
	if (d->mdns != NULL)
		mdns_set_interfaces(d->mdns, list, count, now_ms);
	if (d->options->interface_count > 0)
		limit_links(d, list, count);
}

/* What multicast DNS has found out. */
static void look_at_names(struct discovery *d, int64_t now_ms)
{
	char address[LEGACY_ADDRESS_MAX + 1];
	struct mdns_event event;
	struct contact *contact;

	while (mdns_next(d->mdns, &event)) {
		switch (event.kind) {
		case MDNS_FOUND:
			contact_found(d, &event, now_ms);
			break;
		case MDNS_GONE:
			contact = contact_named(d, event.name);
			if (contact != NULL)
				contact->gone = true;
			break;
		case MDNS_RENAMED:
			(void)snprintf(d->renamed, sizeof(d->renamed), "%s",
				event.name);
			(void)snprintf(address, sizeof(address), "%s.local:%u",
				event.name, d->port);
			mesh_set_address(d->mesh, address);
			break;
		case MDNS_SUSPECT:
			iface_rescan(d->iface);
			look_at_interfaces(d, now_ms);
			break;
		}
	}
}

/* The loop. */

void discovery_want(struct discovery *d, struct loop *loop)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		if (contact_may_look_up(&d->contacts[i]))
			loop_wake(loop, d->contacts[i].look_up_ms);
	}
	if (d->renamed[0] != '\0')
		loop_wake(loop, d->renamed_ms);
	if (d->iface != NULL)
		iface_want(d->iface, loop);
	if (d->mdns != NULL)
		mdns_want(d->mdns, loop);
	resolve_want(d->resolve, loop);
}

void discovery_run(struct discovery *d, const struct loop *loop, int64_t now_ms)
{
	struct mdns_packet packet;
	struct resolve_event looked_up;

	d->now_ms = now_ms;
	if (d->iface != NULL) {
		iface_run(d->iface, loop, now_ms);
		look_at_interfaces(d, now_ms);
	}
	resolve_run(d->resolve, loop);
	while (d->mdns != NULL && iface_next(d->iface, &packet))
		mdns_input(d->mdns, &packet, now_ms);
	if (d->mdns != NULL)
		look_at_names(d, now_ms);
	for (int i = 0; i < DIAL_PEERS_MAX; i++)
		contact_look_up(d, &d->contacts[i], now_ms);
	while (resolve_next(d->resolve, &looked_up))
		contact_looked_up(d, &looked_up, now_ms);
	contacts_update(d, now_ms);
}

/* What there is to tell of the network and our name. */
static bool own_event(struct discovery *d, struct discovery_event *event)
{
	static const enum discovery_event_kind kinds[] = {
		[NETWORK_UP] = DISCOVERY_BACK,
		[NETWORK_ALONE] = DISCOVERY_ALONE,
		[NETWORK_NONE] = DISCOVERY_CUT_OFF,
	};

	if (d->network != d->network_told) {
		d->network_told = d->network;
		event->kind = kinds[d->network];
		return true;
	}
	if (d->mdns != NULL && iface_denied(d->iface) && !d->denied_told) {
		d->denied_told = true;
		event->kind = DISCOVERY_DENIED;
		return true;
	}
	if (d->mdns != NULL && !iface_has_ipv4(d->iface) && !d->taken_told) {
		d->taken_told = true;
		event->kind = DISCOVERY_TAKEN;
		return true;
	}
	if (d->renamed[0] == '\0' || d->now_ms < d->renamed_ms)
		return false;
	d->renamed_ms = d->now_ms + RENAMED_AGAIN_MS;
	memcpy(d->renamed_told, d->renamed, sizeof(d->renamed));
	d->renamed[0] = '\0';
	event->kind = DISCOVERY_RENAMED;
	event->text = d->renamed_told;
	return true;
}

bool discovery_next(struct discovery *d, struct discovery_event *event)
{
	memset(event, 0, sizeof(*event));
	if (own_event(d, event))
		return true;
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		struct contact *contact = &d->contacts[i];

		if (!contact->used || contact->failure == NULL)
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

static void add_peers(struct discovery *d, int64_t now_ms)
{
	for (int i = 0; i < d->options->peer_count; i++) {
		const struct target *target = &d->options->peers[i];
		bool named = target->kind == TARGET_NAME;
		struct contact *contact = contact_add(
			d, target, named ? target->host : "", target->port);

		if (contact == NULL)
			continue; /* there is room for OPTIONS_PEERS_MAX */
		if (target->kind == TARGET_NUMBER)
			mesh_found(d->mesh, contact->peer, &target->number, 1,
				now_ms);
		if (named && d->mdns != NULL)
			(void)!mdns_ask(d->mdns, target->host); /* as above */
	}
}

/* Multicast DNS as the options want it; NULL and ENOMEM. */
static struct mdns *open_mdns(const struct discovery_options *options)
{
	struct mdns_options mdns = { .name = options->options->name,
		.port = options->port,
		.room_id = options->room_id,
		.seed = options->seed,
		.browse = !options->options->only,
		.legacy = options->options->legacy };

	random_bytes(mdns.salt, sizeof(mdns.salt));
	return mdns_open(&mdns);
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
	d->port = options->port;
	d->resolve = resolve_open();
	if (!o->no_mdns)
		d->mdns = open_mdns(options);
	if (need_iface)
		d->iface = iface_open(&iface);
	if (d->resolve == NULL || (d->mdns == NULL && !o->no_mdns) ||
		(d->iface == NULL && need_iface)) {
		discovery_close(d);
		return NULL;
	}
	add_peers(d, now_ms);
	contacts_update(d, now_ms);
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
