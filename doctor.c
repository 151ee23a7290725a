/* SPDX-License-Identifier: ISC */
/*
 * doctor.c: chat --doctor: what a person needs to know when nobody appears.
 *
 *	ctl_print_status	what the chat that runs here says of itself
 *	examine_interfaces	what the system has
 *	examine_multicast	LISTEN_MS of iface and mdns, as a chat would
 *	examine_found		dials everybody found, the one wanted first
 *	verdict			the first thing that is wrong, in plain words
 *
 * What is on this machine proves nothing about the network, so the verdict is
 * about others: who is heard from, connected with (reached), and who then does
 * the handshake of our room (answered).  All of it takes LISTEN_MS and some
 * TRY_MS, however many there are.
 *
 * It is a program of its own beside chat.c: it has its own loop and clock, and
 * it may block while it dials.  It publishes no name, so that it can be used
 * beside a chat that runs.
 */
#include "platform.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "ctl.h"
#include "doctor.h"
#include "iface.h"
#include "legacy.h"
#include "mdns.h"
#include "net.h"
#include "record.h"
#include "wire.h"

enum {
	LISTEN_MS = 4000, /* three questions of ours go in that time */
	DIAL_MS = 2000,
	ANSWER_MS = 2000,
	TRY_MS = 20 * 1000, /* whom to dial is begun with until then */
	HEARD_MAX = 64,
	PATIENTS_MAX = 32, /* found chats that are told of and dialled */
	OWN_MAX = 32,      /* packets of ours that may come back */
	OWN_SIZE = 512,
	TEXT_SIZE = 128
};

/* Somebody who speaks on port 5353. */
struct heard {
	struct sockaddr_storage from;
	uint32_t index;
	int packets;
};

/* What one interface and family sent last, and whether it came back. */
struct own {
	uint32_t index;
	int family;
	size_t size;
	uint8_t bytes[OWN_SIZE]; /* its beginning */
	bool back;
};

struct patient {
	char name[MDNS_NAME_MAX + 1]; /* to which event.name points */
	struct mdns_event event;
	bool reached;  /* a connection was made */
	bool answered; /* as a chat of our room */
};

struct doctor {
	const struct options *options;
	struct iface *iface;
	struct mdns *mdns;
	int view_count;
	struct iface_view views[MDNS_INTERFACES_MAX];
	int interfaces; /* of them those that serve */
	int heard_count;
	struct heard heard[HEARD_MAX];
	int own_count;
	struct own own[OWN_MAX];
	int patient_count;
	struct patient patients[PATIENTS_MAX]; /* [0]: the one wanted */
	struct wire wire;       /* for one handshake after the other */
	struct ed25519_key key; /* nobody's */
	struct wire_self self;
};

/* Leaves. */

static int64_t clock_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		abort(); /* POSIX has no system without it */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* "10.0.0.7", "fe80::1%eth0"; with the port, "10.0.0.7:4000". */
static const char *address_text(const struct sockaddr_storage *address,
	bool with_port, char text[TEXT_SIZE])
{
	char host[NI_MAXHOST], port[NI_MAXSERV];

	(void)snprintf(text, TEXT_SIZE, "?");
	if (getnameinfo((const struct sockaddr *)address,
		    net_address_size(address), host, sizeof(host), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return text;
	(void)snprintf(text, TEXT_SIZE,
		!with_port                       ? "%s"
		: address->ss_family == AF_INET6 ? "[%s]:%s"
						 : "%s:%s",
		host, port);
	return text;
}

static const char *interface_text(uint32_t index, char name[IF_NAMESIZE])
{
	if (if_indextoname(index, name) == NULL)
		(void)snprintf(name, IF_NAMESIZE, "gone");
	return name;
}

static const char *family_text(int family)
{
	return family == AF_INET ? "IPv4" : "IPv6";
}

/* Interfaces. */

/* Does an interface serve to find others, or is it told to? */
static bool view_serves(
	const struct options *options, const struct iface_view *v)
{
	bool named = false;

	for (int i = 0; i < options->interface_count; i++)
		named = named || strcmp(options->interfaces[i], v->name) == 0;
	if (!v->up || !v->running || v->count == 0)
		return false;
	if (v->loopback)
		return named;
	return v->multicast && (named || options->interface_count == 0);
}

static void examine_interfaces(struct doctor *d)
{
	char text[TEXT_SIZE];

	d->view_count = iface_look(d->views, MDNS_INTERFACES_MAX);
	(void)printf("network interfaces:\n");
	for (int i = 0; i < d->view_count; i++) {
		const struct iface_view *v = &d->views[i];

		d->interfaces += view_serves(d->options, v);
		(void)printf("  %s: %s%s%s%s", v->name,
			v->loopback ? "this machine itself, " : "",
			v->up ? "up" : "down",
			v->up && !v->running ? ", no carrier" : "",
			v->multicast  ? ", multicast"
			: v->loopback ? ""
				      : ", no multicast");
		for (int a = 0; a < v->count; a++)
			(void)printf("%s %s", a == 0 ? ":" : ",",
				address_text(&v->addresses[a], false, text));
		(void)printf("%s\n", v->count == 0 ? ", no address" : "");
	}
	if (d->view_count == 0)
		(void)printf("  none\n");
}

/* Is it an address of this machine? */
static bool is_here(
	const struct doctor *d, const struct sockaddr_storage *address)
{
	for (int i = 0; i < d->view_count; i++) {
		for (int a = 0; a < d->views[i].count; a++) {
			if (net_same_host(&d->views[i].addresses[a], address))
				return true;
		}
	}
	return false;
}

/* Multicast. */

static void own_note(struct doctor *d, const struct mdns_packet *packet)
{
	struct own *own = d->own;

	while (own < d->own + d->own_count &&
		(own->index != packet->index || own->family != packet->family))
		own++;
	if (own == d->own + OWN_MAX)
		return;
	if (own == d->own + d->own_count)
		d->own_count++;
	own->index = packet->index;
	own->family = packet->family;
	own->size = packet->size < OWN_SIZE ? packet->size : OWN_SIZE;
	memcpy(own->bytes, packet->bytes, own->size);
}

/* Is it what we sent last?  Others may ask the same, in the same bytes. */
static bool own_came_back(struct doctor *d, const struct mdns_packet *packet)
{
	size_t size = packet->size < OWN_SIZE ? packet->size : OWN_SIZE;

	if (!is_here(d, &packet->address))
		return false;
	for (int i = 0; i < d->own_count; i++) {
		struct own *own = &d->own[i];

		if (own->index != packet->index ||
			own->family != packet->family || own->size != size ||
			memcmp(own->bytes, packet->bytes, size) != 0)
			continue;
		own->back = true;
		return true;
	}
	return false;
}

static void heard_note(struct doctor *d, const struct mdns_packet *packet)
{
	struct heard *heard = d->heard;

	while (heard < d->heard + d->heard_count &&
		(heard->index != packet->index ||
			memcmp(&heard->from, &packet->address,
				sizeof(heard->from)) != 0))
		heard++;
	if (heard == d->heard + HEARD_MAX)
		return;
	if (heard == d->heard + d->heard_count)
		d->heard_count++;
	heard->from = packet->address;
	heard->index = packet->index;
	heard->packets++;
}

static void patient_note(struct doctor *d, const struct mdns_event *event)
{
	const char *wanted = d->options->name;
	struct patient *patient = d->patients;

	if (event->kind != MDNS_FOUND)
		return;
	if (wanted == NULL || strcmp(event->name, wanted) != 0) {
		patient++;
		while (patient < d->patients + d->patient_count &&
			strcmp(patient->name, event->name) != 0)
			patient++;
	}
	if (patient == d->patients + PATIENTS_MAX)
		return;
	if (patient == d->patients + d->patient_count)
		d->patient_count++;
	(void)snprintf(patient->name, sizeof(patient->name), "%s", event->name);
	patient->event = *event;
	patient->event.name = patient->name;
}

/* One turn, as in chat.c. */
static void turn(struct doctor *d, struct loop *loop, int64_t end_ms)
{
	const struct mdns_interface *list;
	struct mdns_packet packet;
	struct mdns_event event;
	int64_t now_ms;
	int count;

	loop_begin(loop, clock_ms());
	loop_wake(loop, end_ms);
	iface_want(d->iface, loop);
	mdns_want(d->mdns, loop);
	loop_wait(loop);
	now_ms = clock_ms();
	iface_run(d->iface, loop, now_ms);
	if (iface_changed(d->iface, &list, &count))
		mdns_set_interfaces(d->mdns, list, count, now_ms);
	while (iface_next(d->iface, &packet)) {
		if (!own_came_back(d, &packet))
			heard_note(d, &packet);
		mdns_input(d->mdns, &packet, now_ms);
	}
	while (mdns_next(d->mdns, &event))
		patient_note(d, &event);
	while (mdns_output(d->mdns, &packet, now_ms)) {
		own_note(d, &packet);
		iface_send(d->iface, &packet);
	}
}

static void examine_multicast(struct doctor *d)
{
	int64_t end_ms = clock_ms() + LISTEN_MS;
	const struct mdns_interface *list;
	char name[IF_NAMESIZE], text[TEXT_SIZE];
	struct loop loop;
	int count;

	(void)printf("listening for %d seconds ...\n", LISTEN_MS / 1000);
	while (clock_ms() < end_ms)
		turn(d, &loop, end_ms);
	(void)!iface_changed(d->iface, &list, &count); /* as listed */
	(void)printf("our own multicast:\n");
	for (int i = 0; i < d->own_count; i++)
		(void)printf("  %s, %s: %s\n",
			interface_text(d->own[i].index, name),
			family_text(d->own[i].family),
			d->own[i].back ? "comes back" : "DOES NOT COME BACK");
	if (d->own_count == 0)
		(void)printf("  nothing could be sent\n");
	if (!iface_has_ipv4(d->iface))
		(void)printf("port %d: CAN NOT BE SHARED\n", MDNS_PORT);
	else if (count > 0)
		(void)printf("port %d: %s\n", MDNS_PORT,
			list[0].unicast4 ? "nobody else on this machine has it"
					 : "shared with another program of "
					   "this machine, which is well");
	(void)printf("heard on port %d:\n", MDNS_PORT);
	for (int i = 0; i < d->heard_count; i++)
		(void)printf("  %s on %s: %d packets%s\n",
			address_text(&d->heard[i].from, false, text),
			interface_text(d->heard[i].index, name),
			d->heard[i].packets,
			is_here(d, &d->heard[i].from) ? ", from this machine"
						      : "");
	if (d->heard_count == 0)
		(void)printf("  nobody\n");
}

/* Dialling. */

static bool wait_ready(int fd, short events, int64_t end_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left_ms = end_ms - clock_ms();

	return left_ms > 0 && poll(&p, 1, (int)left_ms) > 0;
}

/* A connection, or -1 and errno. */
static int dial(const struct sockaddr_storage *address)
{
	int fd = socket(address->ss_family, SOCK_STREAM, 0);
	socklen_t size = sizeof(int);
	int error = ETIMEDOUT;

	if (fd < 0 || net_set_flags(fd) < 0)
		goto fail;
	if (connect(fd, (const struct sockaddr *)address,
		    net_address_size(address)) < 0 &&
		errno != EINPROGRESS)
		goto fail;
	if (wait_ready(fd, POLLOUT, clock_ms() + DIAL_MS) &&
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
		error == 0)
		return fd;
	errno = error;
fail:
	error = errno;
	if (fd >= 0)
		(void)close(fd); /* nothing was sent */
	errno = error;
	return -1;
}

/*
 * What the handshake at the other end of `fd` says: the name that whoever is
 * there goes by in our room, or NULL and *why.  We leave before we have said
 * who we are, so that nobody there sees a link come and go.
 */
static const char *handshake(struct doctor *d, int fd, const char **why)
{
	struct wire *w = &d->wire;
	int64_t end_ms = clock_ms() + ANSWER_MS;
	struct wire_event event;
	uint8_t random[WIRE_RANDOM_SIZE];
	ssize_t n;

	*why = "it does not answer";
	random_bytes(random, sizeof(random));
	wire_open(w, WIRE_DIALLER, &d->self, random);
	for (;;) {
		while (fifo_size(&w->out) > 0) {
			n = send(fd, fifo_head(&w->out), fifo_size(&w->out), 0);
			if (n <= 0)
				return NULL;
			fifo_drop(&w->out, (size_t)n);
		}
		if (!wait_ready(fd, POLLIN, end_ms))
			return NULL;
		n = recv(fd, fifo_tail(&w->in), fifo_room(&w->in), 0);
		if (n <= 0)
			return NULL;
		fifo_added(&w->in, (size_t)n);
		while (wire_next(w, &event)) {
			if (event.kind == WIRE_PEER)
				return w->peer.name;
			if (event.kind != WIRE_BROKEN)
				continue;
			*why = event.text;
			return NULL;
		}
	}
}

/* Dials one address of a patient. */
static void examine_address(struct doctor *d, struct patient *patient,
	const struct sockaddr_storage *address)
{
	char text[TEXT_SIZE];
	const char *answer, *why = "";
	int fd = dial(address);

	(void)printf("    %s ", address_text(address, true, text));
	if (fd < 0) {
		(void)printf("can not be reached: %s\n", strerror(errno));
		return;
	}
	patient->reached = true;
	answer = handshake(d, fd, &why);
	(void)printf("answers%s%s\n",
		answer == NULL ? ", but not as a chat in this room: " : " as ",
		answer == NULL ? why : answer);
	patient->answered = patient->answered || answer != NULL;
	/* The one asked for may go by another name in multicast DNS. */
	if (answer != NULL && d->options->name != NULL &&
		strcmp(answer, d->options->name) == 0)
		d->patients[0].answered = true;
	(void)close(fd); /* it has said what it had to */
}

static void examine_patient(
	struct doctor *d, struct patient *patient, int64_t end_ms)
{
	static const char *const rooms[] = {
		[MDNS_ROOM_UNKNOWN] = " (it does not tell its room)",
		[MDNS_ROOM_OURS] = "",
		[MDNS_ROOM_OTHER] = " (in another room)",
	};
	const struct mdns_event *e = &patient->event;

	(void)printf("  %s%s:\n", e->name,
		e->service ? rooms[e->room] : " (a host, without a chat)");
	for (int i = 0; i < e->count && clock_ms() < end_ms; i++) {
		struct sockaddr_storage address = e->addresses[i];

		if (!e->service)
			net_set_port(&address, legacy_port_of_name(e->name));
		examine_address(d, patient, &address);
	}
}

static void examine_found(struct doctor *d)
{
	int64_t end_ms = clock_ms() + TRY_MS;
	int found = 0, tried = 0;

	(void)printf("found:\n");
	for (int i = 0; i < d->patient_count; i++) {
		if (d->patients[i].name[0] == '\0')
			continue;
		found++;
		if (clock_ms() >= end_ms)
			continue;
		tried++;
		examine_patient(d, &d->patients[i], end_ms);
	}
	if (found > tried)
		(void)printf(
			"  ... and %d more were not tried\n", found - tried);
	if (found == 0)
		(void)printf("  nobody\n");
}

/* The end. */

/* Who is not on this machine. */
struct others {
	int heard; /* addresses on port 5353 */
	int chats; /* found */
	int reached;
	int answered;
};

static struct others count_others(const struct doctor *d)
{
	struct others others = { 0 };

	for (int i = 0; i < d->heard_count; i++)
		others.heard += !is_here(d, &d->heard[i].from);
	for (int i = 0; i < d->patient_count; i++) {
		const struct patient *patient = &d->patients[i];

		if (!patient->event.service ||
			is_here(d, &patient->event.addresses[0]))
			continue;
		others.chats++;
		others.reached += patient->reached;
		others.answered += patient->answered;
	}
	return others;
}

/* What is wrong with this machine, or NULL. */
static const char *verdict_here(const struct doctor *d)
{
	bool back = false;

	for (int i = 0; i < d->own_count; i++)
		back = back || d->own[i].back;
	if (iface_denied(d->iface))
		return "the system does not let us send: a firewall; on "
		       "macOS, see System Settings, Privacy, Local Network";
	if (d->interfaces == 0 && d->options->interface_count > 0)
		return "no interface of those that --interface names is up, "
		       "with multicast and an address";
	if (d->interfaces == 0)
		return "there is no network interface with multicast that is "
		       "up and has an address: nobody beyond this machine "
		       "can be found";
	if (!iface_has_ipv4(d->iface))
		return "UDP port 5353 can not be opened for IPv4: does "
		       "another program of this machine keep it for itself?";
	if (d->own_count == 0)
		return "nothing could be sent";
	if (!back)
		return "what we multicast does not even reach ourselves: a "
		       "firewall that drops UDP port 5353?";
	return NULL;
}

/* The first thing that is wrong, or NULL. */
static const char *verdict(const struct doctor *d, const struct others *others)
{
	const char *wrong = verdict_here(d);

	if (wrong != NULL)
		return wrong;
	if (d->options->name != NULL && !d->patients[0].answered)
		return "the one asked for was not found, or does not answer: "
		       "does it run, in the same network, and does its "
		       "firewall let UDP port 5353 and its TCP port in?";
	if (others->chats > 0 && others->reached == 0)
		return "chats are found, and none of them answers: a "
		       "firewall that drops TCP?";
	return NULL;
}

static int finish(struct doctor *d)
{
	struct others others = count_others(d);
	const char *wrong = verdict(d, &others);

	if (wrong != NULL)
		(void)printf("NOT WELL: %s\n", wrong);
	else if (others.answered > 0)
		(void)printf("all is well: others can be found\n");
	else if (others.chats > 0)
		(void)printf("all is well here, and chats are found, but none "
			     "that answers in this room\n");
	else if (others.heard > 0)
		(void)printf("all is well here, and others are heard, but none "
			     "of them chats\n");
	else
		(void)printf("all is well here, but nobody else was heard: if "
			     "somebody should have been, the network may keep "
			     "its members apart (guest Wi-Fi does): name "
			     "HOST:PORT instead\n");
	if (fflush(stdout) == 0 && !ferror(stdout))
		return wrong == NULL ? EX_OK : 1;
	(void)fprintf(stderr, "error> can not write: %s\n", strerror(errno));
	return EX_IOERR;
}

int doctor_run(const struct options *options)
{
	struct doctor *d = calloc(1, sizeof(*d));
	struct iface_options iface = { .names = options->interfaces,
		.name_count = options->interface_count,
		.multicast = true };
	uint8_t room_id[RECORD_ID_SIZE], seed[32];
	struct mdns_options mdns = { .room_id = room_id,
		.seed = (uint64_t)clock_ms(),
		.browse = true,
		.every_room = true,
		.legacy = options->legacy };
	int status = EX_OSERR;

	(void)signal(SIGPIPE, SIG_IGN); /* a peer that closes is no reason */
	(void)setvbuf(stdout, NULL, _IOLBF, 0); /* it takes its time */
	ed25519_start();
	record_room_id(room_id, false, options->room);
	random_bytes(seed, sizeof(seed));
	if (d != NULL) {
		ed25519_key_from_seed(&d->key, seed);
		d->self.key = &d->key;
		d->self.name = "doctor";
		d->self.room_id = room_id;
		d->options = options;
		d->patient_count = 1; /* a place for the one wanted */
		d->iface = iface_open(&iface);
		d->mdns = mdns_open(&mdns);
	}
	if (d != NULL && d->iface != NULL && d->mdns != NULL) {
		ctl_print_status(options);
		if (options->name != NULL)
			(void)!mdns_ask(d->mdns, options->name); /* valid */
		examine_interfaces(d);
		examine_multicast(d);
		examine_found(d);
		status = finish(d);
	} else {
		(void)fprintf(stderr, "error> out of memory\n");
	}
	if (d != NULL) {
		iface_close(d->iface);
		mdns_close(d->mdns);
	}
	free(d);
	return status;
}
