/* SPDX-License-Identifier: ISC */
/*
 * original.c: links to the original program, which only exist with --legacy.
 * They are known by the address strings that they claim, and nothing that
 * comes from them is believed further than these rules allow:
 *
 *	L1 A signed log takes signed records only: what a legacy link sends of
 *	   an "@" log is dropped.  No flag, version or mode relaxes this.
 *	L2 The heads that it claims choose only what it is sent.
 *	L3 Unsigned records are taken first-hand, from the link that claims to
 *	   be their author, in order, and are never sent to native links.
 *	L4 They are shown with a mark, and never under a name that is pinned.
 *	L5 Nothing of a closed room is sent: none is ever opened, so far
 *	   (people.c refuses its identity).
 *	L6 A dial speaks native first; the original's protocol after 2 s, and
 *	   only to a name that nobody is pinned to.
 *	L7 A person is told that the room can be read by everybody.
 *	L8 LIMIT_LEGACY_IDS, _BYTES and _RECORDS_PER_S.
 *	L9 An address string has at most 255 bytes of [A-Za-z0-9.:-], and is
 *	   never resolved.
 */
#include "platform.h"

#include "links/link.h"

enum { CROSSING_MS = 2 * 1000 /* that two dials may be apart */ };

static struct link *original_link_to(const struct mesh *m, const char *address)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *l = m->links[i];

		if (link_is_linked(l) && link_is_legacy(l) &&
			strcmp(l->legacy->peer, address) == 0)
			return l;
	}
	return NULL;
}

static bool original_is_dialled(const struct mesh *m, const char *address)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		if (m->dial.peers[i].used && m->dial.peers[i].dialling &&
			m->dial.peers[i].legacy &&
			strcmp(m->dial.peers[i].address, address) == 0)
			return true;
	}
	return false;
}

static bool original_is_named(const struct mesh *m, const char *address)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		if (m->dial.peers[i].used &&
			strcmp(m->dial.peers[i].address, address) == 0)
			return true;
	}
	return false;
}

/* The answer to a caller: NULL to let it in, or why not; "" is silence. */
static const char *caller_refusal(
	const struct mesh *m, const char *address, int64_t now_ms)
{
	const struct link *ours = original_link_to(m, address);

	if (strcmp(address, m->address) == 0)
		return "";
	if (m->only && !original_is_named(m, address))
		return "it is not one of those named";
	if (strcmp(address, m->address) < 0)
		return NULL;
	if (original_is_dialled(m, address) ||
		(ours != NULL && ours->role == MESH_DIALLED &&
			now_ms - ours->since_ms < CROSSING_MS))
		return "";
	return NULL;
}

/*
 * Ends our dials to somebody who has just dialled us, if ours is the later
 * name: going on, they would only take this link's place (rule 6).
 */
static void dials_drop(struct mesh *m, const char *address)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *l = m->links[i];

		if (l != NULL && l->peer >= 0 && l->kind == LINK_LEGACY &&
			l->state < LINK_HEADS &&
			strcmp(m->dial.peers[l->peer].address, address) == 0 &&
			strcmp(m->address, address) > 0)
			link_end(l, "");
	}
}

/* The prologue is over: the connection is a link, unless it must not be. */
static void original_named(struct mesh *m, struct link *l, int64_t now_ms)
{
	const char *address = l->legacy->peer;
	const struct dial_peer *p = dial_peer(&m->dial, l->peer);

	if (strcmp(address, m->address) == 0) {
		link_refuse(l, "it has this program's own name and port");
		return;
	}
	if (p != NULL && p->address[0] != '\0' &&
		strcmp(p->address, address) != 0) {
		link_refuse(l, "somebody else answers there");
		return;
	}
	link_enter(l, LINK_HEADS, now_ms);
	if (links_linked(m) > LIMIT_LINKS && !links_drop(m, l, now_ms)) {
		l->state = LINK_GREETING;
		link_refuse(l, "there are too many links");
		return;
	}
	dial_linked(&m->dial, l->peer);
	dials_drop(m, address);
}

static bool original_up(struct mesh *m, struct link *l,
	struct mesh_event *event, int64_t now_ms)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *older = m->links[i];

		if (older != l && link_is_linked(older) &&
			link_is_legacy(older) && older->state == LINK_UP &&
			strcmp(older->legacy->peer, l->legacy->peer) == 0 &&
			memcmp(older->legacy_key, l->legacy_key,
				sizeof(l->legacy_key)) == 0)
			link_end(older, "a newer link took its place");
	}
	link_enter(l, LINK_UP, now_ms);
	l->feed.lagging = true;
	event->kind = MESH_UP;
	return true;
}

/*
 * A record of the original's: first-hand or not at all (L1, L3),
 * and not too many of them (L8).
 */
static bool original_change(struct mesh *m, struct link *l,
	const struct legacy_event *told, struct mesh_event *event,
	int64_t now_ms)
{
	feed_has(&l->feed, m->room, told->key, told->seq);
	if (!l->have_key || !legacy_key_is_foreign(told->key) ||
		memcmp(told->key, l->legacy_key, sizeof(l->legacy_key)) != 0)
		return false;
	if (now_ms - l->second_ms >= 1000) {
		l->second_ms = now_ms;
		l->second_records = 0;
	}
	l->second_records++;
	m->giver = l;
	memcpy(m->given_key, told->key, sizeof(m->given_key));
	m->given_seq = told->seq;
	event->kind = MESH_RECORD;
	event->seq = told->seq;
	event->bytes = told->bytes;
	event->size = told->size;
	return true;
}

/* One thing that the codec tells.  True when it has to be told on. */
static bool original_told(struct mesh *m, struct link *l,
	const struct legacy_event *told, struct mesh_event *event,
	int64_t now_ms)
{
	const char *refusal;

	switch (told->kind) {
	case LEGACY_EVENT_CALLER:
		refusal = caller_refusal(m, told->text, now_ms);
		if (refusal == NULL)
			legacy_admit(l->legacy);
		else
			link_refuse(l, refusal);
		return false;
	case LEGACY_EVENT_LINK:
		original_named(m, l, now_ms);
		return false;
	case LEGACY_EVENT_ID:
		l->have_key = true;
		memcpy(l->legacy_key, told->key, sizeof(l->legacy_key));
		/* It was too busy to answer natively: it will not be later. */
		if (!legacy_key_is_foreign(told->key))
			link_refuse(l, "it speaks the native protocol, too");
		return false;
	case LEGACY_EVENT_HEAD:
		feed_has(&l->feed, m->room, told->key, told->seq);
		return false;
	case LEGACY_EVENT_READY:
		return original_up(m, l, event, now_ms);
	case LEGACY_EVENT_CHANGE:
		return original_change(m, l, told, event, now_ms);
	case LEGACY_EVENT_BROKEN:
		link_strike(m, l, told->text, now_ms);
		link_end(l, told->text);
		return false;
	}
	return false;
}

/* Is it not to be read for now? */
bool original_is_held(
	const struct mesh *m, const struct link *l, int64_t now_ms)
{
	return m->held || (l->second_records >= LIMIT_LEGACY_RECORDS_PER_S &&
				  now_ms - l->second_ms < 1000);
}

bool original_next(struct mesh *m, struct link *l, struct mesh_event *event,
	int64_t now_ms)
{
	struct legacy_event told;

	while (!l->refused &&
		(l->state != LINK_UP || !original_is_held(m, l, now_ms)) &&
		legacy_next(l->legacy, &told)) {
		if (l->fd < 0 && l->state != LINK_UP)
			return false;
		if (original_told(m, l, &told, event, now_ms))
			return true;
	}
	return false;
}
