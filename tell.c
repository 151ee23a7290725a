/* SPDX-License-Identifier: ISC */
/*
 * tell.c: what people are told, in words: who comes and goes, what the room
 * and the network have found out, who is in sync, and how it goes.
 *
 * What others could make us repeat for ever is told once in a while.
 */
#include "platform.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chat_inside.h"

enum {
	AGREED_TEXT_SIZE = 48,
	AGREE_MS = 3000 /* nothing has moved for so long: who is in sync? */
};

void info(struct chat *c, const char *format, ...)
{
	char text[TERM_NOTICE_MAX / 2];
	va_list arguments;

	if (c->options.verbosity == VERBOSITY_QUIET)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	term_notice(c->term, "info", "%s", text);
}

/* What became of the search for others. */
void chat_discovery(struct chat *c, const struct discovery_event *event)
{
	switch (event->kind) {
	case DISCOVERY_UNKNOWN:
		if (!event->again || is_verbose(c))
			info(c, "%s can not be looked up (%s); trying on",
				event->target->host, event->text);
		break;
	case DISCOVERY_CUT_OFF:
		if (c->options.no_mdns)
			break;
		term_notice(c->term, "warn",
			"no network interface is up%s: "
			"nobody can be found until one is",
			c->options.interface_count > 0 ? " of those named"
						       : "");
		break;
	case DISCOVERY_ALONE:
		info(c,
			"no network interface with multicast is up%s: only "
			"who is on this machine can be found",
			c->options.interface_count > 0 ? ", of those named"
						       : "");
		break;
	case DISCOVERY_BACK:
		info(c, "a network interface is up again");
		break;
	case DISCOVERY_RENAMED:
		term_notice(c->term, "warn",
			"somebody else is %s.local: using %s", c->options.name,
			event->text);
		break;
	case DISCOVERY_DENIED:
		term_notice(c->term, "warn",
			"the system does not let us speak on the local "
			"network: a firewall; on macOS, see System Settings, "
			"Privacy, Local Network");
		break;
	case DISCOVERY_TAKEN:
		term_notice(c->term, "warn",
			"UDP port 5353 can not be opened for IPv4 (does "
			"another program keep it for itself?): nobody is "
			"found there until it can");
		break;
	}
}

/* "bob" of "bob.local:62474", or the address itself. */
static void name_of_address(
	const char *address, char name[LEGACY_ADDRESS_MAX + 1])
{
	const char *end = strstr(address, ".local:");

	(void)snprintf(name, LEGACY_ADDRESS_MAX + 1, "%s", address);
	if (end != NULL)
		name[end - address] = '\0';
}

/* Whoever is at the other end, as shown. */
static void name_of_event(const struct chat *c, const struct mesh_event *event,
	char shown[PEOPLE_SHOWN_MAX + 1])
{
	(void)snprintf(shown, PEOPLE_SHOWN_MAX + 1, "%s", "somebody");
	if (event->key != NULL && event->legacy)
		people_show_legacy(c->people, event->key, shown);
	else if (event->key != NULL)
		people_show(c->people, event->key, shown);
}

static void tell_peer(struct chat *c, const char *event,
	const struct mesh_event *e, const char *name)
{
	struct writer line = writer_over(c->line, sizeof(c->line));
	struct show_peer peer = { .event = event,
		.name = name,
		.key = e->key,
		.legacy = e->legacy,
		.room_id = people_room_id(c->people),
		.address = e->address };

	/* Who reads nothing is told of no comings and goings. */
	if (!c->options.json || !term_room(c->term))
		return;
	show_peer(&line, &peer);
	term_message(c->term, line.bytes, line.size);
}

/* Who is it, and is that whom we know by this name? */
static void chat_meet(struct chat *c, const struct mesh_event *event)
{
	char claimed[LEGACY_ADDRESS_MAX + 1];
	char shown[PEOPLE_SHOWN_MAX + 1];

	if (event->legacy) {
		name_of_address(event->name, claimed);
		if (event->key != NULL)
			people_claim_legacy(c->people, event->key, claimed);
		if (people_pinned(c->people, claimed) != NULL)
			term_notice(c->term, "warn",
				"somebody of the original program calls "
				"himself %s, as one does whom you know: he is "
				"shown as ?%s",
				claimed, claimed);
		return;
	}
	switch (people_meet(
		c->people, event->key, event->name, wall_clock_ms())) {
	case PEOPLE_PINNED:
	case PEOPLE_RENAMED:
		mesh_expect(c->mesh, event->name, event->key);
		break;
	case PEOPLE_KNOWN:
		break;
	case PEOPLE_STRANGER:
		people_show(c->people, event->key, shown);
		term_notice(c->term, "warn",
			"somebody calls himself %s who is not the one you "
			"know by that name: he is shown as %s",
			event->name, shown);
		break;
	case PEOPLE_NO_ROOM:
		if (is_verbose(c))
			info(c, "there is no room for the name of %s",
				event->name);
		break;
	}
}

/* Who has another link, or keeps one, is not told of as coming or going. */
void chat_up(struct chat *c, const struct mesh_event *event)
{
	char shown[PEOPLE_SHOWN_MAX + 1];

	chat_meet(c, event);
	if (event->others && !is_verbose(c))
		return;
	name_of_event(c, event, shown);
	info(c, "%s is %s (%s)", shown, event->others ? "here again" : "here",
		event->address);
	if (!event->others)
		tell_peer(c, "up", event, shown);
}

/* A copy of a database is in use: somebody else's, or ours. */
void chat_twin(struct chat *c, const struct mesh_event *event, int64_t now_ms)
{
	char shown[PEOPLE_SHOWN_MAX + 1];

	if (now_ms < c->twin_ms)
		return;
	c->twin_ms = now_ms + TOLD_AGAIN_MS;
	name_of_event(c, event, shown);
	if (memcmp(event->key, people_key(c->people)->public_key,
		    RECORD_KEY_SIZE) == 0)
		term_notice(c->term, "warn",
			"a copy of this database is in use (%s): the two fork "
			"your history; stop one of them",
			event->address);
	else
		term_notice(c->term, "warn",
			"%s (%s) uses two copies of one database: they fork "
			"its history",
			shown, event->address);
}

void chat_down(struct chat *c, const struct mesh_event *event)
{
	char name[PEOPLE_SHOWN_MAX + 1];

	if (event->others && !is_verbose(c))
		return;
	name_of_event(c, event, name);
	info(c, "%s%s (%s): %s", name, event->others ? "" : " is gone",
		event->address, event->text);
	if (!event->others)
		tell_peer(c, "down", event, name);
}

/* Somebody has what we said on his disk. */
void chat_delivered(struct chat *c, const struct mesh_event *event)
{
	struct writer line = writer_over(c->line, sizeof(c->line));
	struct receipt receipt = { .named = event->is_named,
		.log = room_own(c->room),
		.seq = event->number };
	struct show_peer by = { .key = event->key,
		.room_id = people_room_id(c->people) };

	memcpy(receipt.key, event->key, sizeof(receipt.key));
	if (!deliver_note(&c->deliver, &receipt))
		return;
	show_delivered(&line, &by, event->number);
	errands_delivered(&c->errands, event->number, line.bytes, line.size);
	if (c->options.json && term_room(c->term))
		term_message(c->term, line.bytes, line.size);
}

/* What happened in the room. */
void chat_room(struct chat *c)
{
	char shown[PEOPLE_SHOWN_MAX + 1];
	struct room_event event;
	const struct room_log *log;

	while (room_next(c->room, &event)) {
		shown[0] = '\0';
		log = event.number == ROOM_NO_LOG
			      ? NULL
			      : room_log(c->room, event.number);
		if (log != NULL)
			show_name(c->people, log, shown);
		switch (event.kind) {
		case ROOM_EVENT_NAME:
			assert(log != NULL);
			people_claim(c->people, log->log.public_key, log->name);
			break;
		case ROOM_EVENT_FORK:
			mesh_touch(c->mesh);
			if (event.again) /* anybody may fork his own log */
				break;
			term_notice(c->term, "warn",
				"there are two histories of %s from message "
				"%llu on, if not before (a copied database?): "
				"neither is believed from there",
				shown, (unsigned long long)event.seq);
			break;
		case ROOM_EVENT_ADOPTED:
			info(c, "others had messages of yours that were "
				"missing here");
			break;
		case ROOM_EVENT_EPOCH:
			term_notice(c->term, "warn", "%s", event.text);
			break;
		case ROOM_EVENT_LIMIT:
			term_notice(c->term, "warn",
				"messages of %s are not kept any more: they "
				"have used up their room",
				shown);
			break;
		}
	}
}

static void agreed_text(
	const struct mesh_agreed *agreed, char text[AGREED_TEXT_SIZE])
{
	(void)snprintf(text, AGREED_TEXT_SIZE,
		"in sync %d/%d \302\267 %02x%02x%02x", agreed->equal,
		agreed->links, agreed->state[0], agreed->state[1],
		agreed->state[2]);
}

/*
 * Says how many of those linked have what we have, and six digits of what it
 * comes to, which people may compare: when it has been quiet for a while, and
 * while only the digits change, as they do with every message, now and then.
 */
void chat_agree(struct chat *c, int64_t now_ms)
{
	char text[AGREED_TEXT_SIZE];
	struct mesh_agreed agreed;
	struct mesh_counts counts;
	bool same;

	mesh_count(c->mesh, &counts);
	if (counts.sync.changes != c->changes)
		c->agree_ms = now_ms + AGREE_MS;
	c->changes = counts.sync.changes;
	if (c->agree_ms == 0 || now_ms < c->agree_ms)
		return;
	c->agree_ms = 0;
	mesh_agree(c->mesh, &agreed);
	same = agreed.links == c->agreed.links &&
	       agreed.equal == c->agreed.equal;
	if (same && memcmp(agreed.state, c->agreed.state,
			    sizeof(agreed.state)) == 0)
		return;
	if (same && !is_verbose(c) && now_ms < c->agreed_ms + TOLD_AGAIN_MS) {
		c->agree_ms = c->agreed_ms + TOLD_AGAIN_MS;
		return;
	}
	c->agreed = agreed;
	c->agreed_ms = now_ms;
	agreed_text(&agreed, text);
	if (agreed.links > 0)
		info(c, "%s", text);
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
write_line(struct writer *w, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	write_bytes(w, text, strlen(text));
	write_u8(w, '\n');
}

/* How we are, in lines for --doctor. */
void chat_status(struct chat *c, struct writer *w)
{
	char shown[PEOPLE_SHOWN_MAX + 1];
	char text[AGREED_TEXT_SIZE];
	struct mesh_agreed agreed;
	struct mesh_counts counts;
	struct mesh_event event;

	mesh_count(c->mesh, &counts);
	write_line(w, "%s chats here%s%s: process %ld, port %u",
		c->options.name,
		c->options.room[0] == '\0' ? "" : ", in the room ",
		c->options.room, (long)getpid(), c->port);
	write_line(w, "links: %d", counts.links);
	for (int i = 0; mesh_next_link(c->mesh, &i, &event);) {
		name_of_event(c, &event, shown);
		write_line(w, "  %s (%s)", shown, event.address);
	}
	mesh_agree(c->mesh, &agreed);
	agreed_text(&agreed, text);
	write_line(w, "%s", text);
	write_line(w, "on disk: records %llu, logs %lu, bytes %llu",
		(unsigned long long)log_count(c->log),
		(unsigned long)log_author_count(c->log),
		(unsigned long long)log_size(c->log));
	write_line(w, "sent: records %llu, bytes %llu",
		(unsigned long long)counts.sync.records_sent,
		(unsigned long long)counts.bytes_sent);
	write_line(w, "received: records %llu, of them new %llu, bytes %llu",
		(unsigned long long)counts.sync.records_received,
		(unsigned long long)counts.sync.records_new,
		(unsigned long long)counts.bytes_received);
}

/* What it cost, for who asks with -v, and for scripts: see tests/bench/hosts. */
void chat_counted(struct chat *c)
{
	struct mesh_counts counts;
	const struct sync_counts *sync = &counts.sync;

	if (!is_verbose(c))
		return;
	mesh_count(c->mesh, &counts);
	info(c,
		"counted: links=%d bytes_sent=%llu bytes_received=%llu "
		"records_sent=%llu records_received=%llu records_new=%llu "
		"digest_bytes_sent=%llu source_moves=%llu strikes=%llu",
		counts.links, (unsigned long long)counts.bytes_sent,
		(unsigned long long)counts.bytes_received,
		(unsigned long long)sync->records_sent,
		(unsigned long long)sync->records_received,
		(unsigned long long)sync->records_new,
		(unsigned long long)sync->digest_bytes_sent,
		(unsigned long long)sync->moves,
		(unsigned long long)counts.strikes);
}
