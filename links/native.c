/* SPDX-License-Identifier: ISC */
/*
 * native.c: links to other programs of ours: whether they may be, what they
 * say beside replication, and which of two links to one program stays.
 */
#include "platform.h"

#include <errno.h>
#include <stdlib.h>

#include "links/link.h"
#include "net.h"
#include "options.h"

static const char malformed[] = "it sent something malformed";

static const char somebody_else[] = "somebody else answers there";

void native_ping(struct link *l, int64_t now_ms)
{
	uint8_t bytes[32];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct message_ping ping = { .token = (uint64_t)now_ms };

	message_put_ping(&w, &ping);
	if (l->pinged_ms == 0 &&
		wire_put(&l->wire, MESSAGE_PING, w.bytes, w.size))
		l->pinged_ms = now_ms;
}

/* With its addresses, if it has any; false: there is no room for it now. */
static bool native_hello(
	const struct mesh *m, struct link *l, struct message_hello *hello)
{
	uint8_t bytes[256 + MESSAGE_ADDRESSES_MAX * (MESSAGE_ADDRESS_MAX + 2)];
	struct writer w = writer_over(bytes, sizeof(bytes));

	hello->version = WIRE_VERSION;
	hello->port = m->port;
	(void)snprintf(hello->name, sizeof(hello->name), "%s", m->self->name);
	(void)snprintf(
		hello->agent, sizeof(hello->agent), "chat/%s", OPTIONS_VERSION);
	message_put_hello(&w, hello);
	return wire_put(&l->wire, MESSAGE_HELLO, w.bytes, w.size);
}

/* It is up: it learns who else is (exchange.c). */
static void native_tell(struct mesh *m, struct link *l)
{
	struct message_hello hello;

	memset(&hello, 0, sizeof(hello));
	exchange_fill(m, l, &hello);
	if (hello.address_count > 0)
		(void)!native_hello(m, l, &hello); /* others will tell it */
}

/*
 * An older link has shown that it lives (rule 2).  Of two to one program, the
 * one with the greater hash goes; two programs with one key are told of.
 */
static void links_settle(struct mesh *m, struct link *answered, int64_t now_ms)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *l = m->links[i];

		if (l == answered || answered->fd < 0 || l == NULL ||
			!link_has_key(l, answered->wire.peer.public_key))
			continue;
		if (l->wire.peer.instance != answered->wire.peer.instance) {
			answered->twin = true;
			continue;
		}
		link_leave(m,
			memcmp(l->wire.hash, answered->wire.hash,
				sizeof(l->wire.hash)) < 0
				? answered
				: l,
			"there is another link", now_ms);
	}
}

/* Older links of this key have to show that they still live (rule 2). */
static void links_contest(struct mesh *m, struct link *newer, int64_t now_ms)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *l = m->links[i];

		if (l == NULL || l == newer ||
			!link_has_key(l, newer->wire.peer.public_key))
			continue;
		l->pinged_ms = 0;
		native_ping(l, now_ms);
		if (l->answer_ms == 0)
			l->answer_ms = now_ms + LIMIT_OLDER_MS;
	}
	if (memcmp(newer->wire.peer.public_key, m->self->key->public_key,
		    RECORD_KEY_SIZE) == 0)
		newer->twin = true;
}

int links_of_key(const struct mesh *m, const uint8_t *key)
{
	int count = 0;

	for (int i = 0; i < LINKS_MAX; i++)
		count += m->links[i] != NULL && link_has_key(m->links[i], key);
	return count;
}

/* Why a native link must not be, or NULL. */
static const char *native_refusal(
	struct mesh *m, const struct link *l, int64_t now_ms)
{
	const struct wire_peer *who = &l->wire.peer;
	struct dial_peer *p = dial_peer(&m->dial, l->peer);
	bool by_address = p != NULL && p->name[0] == '\0';

	if (memcmp(who->public_key, m->self->key->public_key,
		    sizeof(who->public_key)) == 0 &&
		who->instance == m->self->instance) {
		if (p != NULL)
			p->ourselves = true;
		return "it is this program itself";
	}
	if (link_is_refused(m, l, now_ms))
		return "it has misbehaved too often";
	if (p != NULL && !by_address && strcmp(p->name, who->name) != 0)
		return somebody_else;
	if (m->only && !by_address && !link_is_named(m, l))
		return "it is not one of those named";
	if (p != NULL && !link_is_to(m, l, l->peer) &&
		links_of_key(m, who->public_key) > 1)
		return somebody_else; /* and he is linked already */
	if (links_of_key(m, who->public_key) > LIMIT_LINKS_A_KEY)
		return "it has too many links";
	return NULL;
}

/* It never was a link: we, or they, do not want it. */
static void native_turned_away(struct link *l, const char *reason)
{
	link_refuse(l, reason);
	l->state = LINK_GREETING;
}

/* The other side has proven its key: the connection is a link. */
static void native_up(struct mesh *m, struct link *l, int64_t now_ms)
{
	struct dial_peer *p = dial_peer(&m->dial, l->peer);
	struct sync_peer peer = { .wire = &l->wire,
		.public_key = l->wire.peer.public_key };
	struct message_hello hello;
	const char *refusal;

	/* From here on it counts as linked, with this key. */
	net_host(&l->at, peer.host);
	l->buffers = malloc(sizeof(*l->buffers));
	if (l->buffers != NULL)
		l->sync = sync_link_open(m->sync, &peer, now_ms);
	if (l->sync == NULL) {
		link_refuse(l, strerror(ENOMEM));
		return;
	}
	wire_grow(&l->wire, l->buffers);
	link_enter(l, LINK_HEADS, now_ms);
	refusal = native_refusal(m, l, now_ms);
	if (refusal == NULL && links_linked(m) > LIMIT_LINKS &&
		!links_drop(m, l, now_ms))
		refusal = "there are too many links";
	if (refusal != NULL) {
		link_leave(m, l, refusal, now_ms);
		native_turned_away(l, refusal);
		return;
	}
	if (p != NULL && p->name[0] == '\0') {
		p->have_key = true;
		memcpy(p->key, l->wire.peer.public_key, sizeof(p->key));
	}
	if (link_is_named(m, l))
		sync_link_trust(l->sync);
	if (p == NULL || link_is_to(m, l, l->peer))
		dial_linked(&m->dial, l->peer);
	else /* a link, but not to whom we looked for (rule 3) */
		dial_failed(&m->dial, l->peer, somebody_else, now_ms);
	links_contest(m, l, now_ms);
	memset(&hello, 0, sizeof(hello));
	if (!native_hello(m, l, &hello))
		assert(false); /* it is the first message of an empty link */
	native_ping(l, now_ms);
	l->lagging = true;
}

static void native_pong(
	struct mesh *m, struct link *l, int64_t token, int64_t now_ms)
{
	if (l->pinged_ms == 0 || token != l->pinged_ms)
		return;
	sync_round_trip(l->sync, now_ms - l->pinged_ms);
	l->pinged_ms = 0;
	if (l->answer_ms != 0) {
		l->answer_ms = 0;
		links_settle(m, l, now_ms);
	}
}

/* What every native link says now and then; false when it is malformed. */
static bool native_small_talk(struct mesh *m, struct link *l,
	const struct wire_event *told, int64_t now_ms)
{
	char reason[MESSAGE_REASON_MAX + 1];
	uint8_t bytes[32];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct message_hello hello;
	struct message_ping ping;

	switch (told->type) {
	case MESSAGE_HELLO:
		if (!message_decode_hello(told->body, &hello))
			return false;
		l->port = hello.port;
		exchange_hear(m, l, &hello, now_ms);
		return true;
	case MESSAGE_PING:
		if (!message_decode_ping(told->body, &ping))
			return false;
		if (ping.answer) {
			native_pong(m, l, (int64_t)ping.token, now_ms);
			return true;
		}
		ping.answer = true;
		message_put_ping(&w, &ping);
		/* With no room for an answer, our bytes are one. */
		(void)!wire_put(&l->wire, MESSAGE_PING, w.bytes, w.size);
		return true;
	case MESSAGE_BYE:
		if (!message_decode_bye(told->body, reason))
			return false;
		l->left = true;
		link_end(l, "it left");
		return true;
	default:
		return true; /* of a newer version */
	}
}

static void native_malformed(struct mesh *m, struct link *l, int64_t now_ms)
{
	link_strike(m, l, malformed, now_ms);
	link_refuse(l, malformed);
}

/* Was who it is told of as here already, for this link or another one? */
static bool key_is_here(const struct mesh *m, const struct link *l)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		const struct link *other = m->links[i];

		if (link_is_native(other) && other->is_here &&
			memcmp(other->wire.peer.public_key,
				l->wire.peer.public_key, RECORD_KEY_SIZE) == 0)
			return true; /* also one whose end is not told yet */
	}
	return false;
}

/* The first message: a Hello, or why there will be no link. */
static bool native_welcome(struct mesh *m, struct link *l,
	const struct wire_event *told, struct mesh_event *event, int64_t now_ms)
{
	char reason[MESSAGE_REASON_MAX + 1];

	if (told->type == MESSAGE_BYE &&
		message_decode_bye(told->body, reason)) {
		native_turned_away(l, reason);
		return false;
	}
	if (told->type != MESSAGE_HELLO ||
		!native_small_talk(m, l, told, now_ms)) {
		native_malformed(m, l, now_ms);
		return false;
	}
	link_enter(l, LINK_UP, now_ms);
	exchange_up(m, l);
	native_tell(m, l);
	event->kind = MESH_UP;
	event->others = key_is_here(m, l);
	l->is_here = l->is_here || !event->others;
	return true;
}

static bool native_message(struct mesh *m, struct link *l,
	const struct wire_event *told, struct mesh_event *event, int64_t now_ms)
{
	if (l->state == LINK_HEADS)
		return native_welcome(m, l, told, event, now_ms);
	switch (told->type) {
	case MESSAGE_DIGEST:
	case MESSAGE_BATCH:
	case MESSAGE_FORK:
		break;
	default:
		if (!native_small_talk(m, l, told, now_ms))
			native_malformed(m, l, now_ms);
		return false;
	}
	event->input = &m->input;
	m->giver = l;
	switch (sync_message(m->sync, l->sync, told, &m->input, now_ms)) {
	case SYNC_DONE:
		break;
	case SYNC_BATCH:
		event->kind = MESH_BATCH;
		return true;
	case SYNC_HALF:
		event->kind = MESH_HALF;
		return true;
	case SYNC_BROKEN:
		native_malformed(m, l, now_ms);
		break;
	}
	m->giver = NULL;
	return false;
}

static bool native_twin(struct link *l, struct mesh_event *event)
{
	bool twin = l->twin;

	l->twin = false;
	event->kind = MESH_TWIN;
	return twin;
}

/* Each frame has its own time, however many follow one another. */
static void link_note_frame(struct link *l, int64_t now_ms)
{
	if (!wire_is_mid_frame(&l->wire))
		l->frame_ms = 0;
	else if (l->frame_ms == 0 || l->frame != wire_frames(&l->wire))
		l->frame_ms = now_ms;
	l->frame = wire_frames(&l->wire);
}

bool native_next(struct mesh *m, struct link *l, struct mesh_event *event,
	int64_t now_ms)
{
	struct wire_event told;

	if (native_twin(l, event))
		return true;
	while (!l->refused && wire_next(&l->wire, &told)) {
		/* Of a link that has ended, only what it had sent counts. */
		if (l->fd < 0 && l->sync == NULL)
			return false;
		switch (told.kind) {
		case WIRE_PEER:
			native_up(m, l, now_ms);
			break;
		case WIRE_MESSAGE:
			if (native_message(m, l, &told, event, now_ms) ||
				native_twin(l, event))
				return true;
			break;
		case WIRE_BROKEN:
			/* Whom we dialled ourselves may well be another kind
			 * of program, or in another room; and what breaks a
			 * link that was up may come from somebody between. */
			if (l->role == MESH_ACCEPTED && l->sync == NULL)
				link_strike(m, l, told.text, now_ms);
			link_end(l, told.text);
			break;
		}
	}
	link_note_frame(l, now_ms);
	return false;
}
