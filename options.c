/* SPDX-License-Identifier: ISC */
/*
 * options.c: reads the command line, and says what is wrong with it.
 */
#include "platform.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "legacy.h"
#include "limit.h"
#include "options.h"
#include "people.h"

static const char usage[] =
	"usage: chat [options] NAME [PEER...]    chat as NAME\n"
	"       chat --send TEXT [options] NAME [PEER...]\n"
	"                                        say one thing, and end when "
	"it is delivered\n"
	"       chat --log [options] NAME        print the history, and end\n"
	"       chat --check [options] NAME      verify the database, and end\n"
	"       chat --doctor [NAME]             why does nobody (or NAME) "
	"appear?\n"
	"\n"
	"Chat with everybody in the local network, without a server.  NAME is "
	"you.\n"
	"Who is there is found; a PEER is looked for until it is: a name "
	"(NAME or\n"
	"NAME.local), or an address (HOST:PORT, [V6]:PORT).  Who was away gets "
	"what was\n"
	"missed.\n"
	"\n"
	"    terminal 1:  chat alice bob        type: hello\n"
	"    terminal 2:  chat bob alice\n"
	"\n"
	"  -r, --room ROOM     talk in this room (default: in everybody's)\n"
	"  -d, --dir DIR       database directory (default ./NAME.db, or\n"
	"                      ./NAME@ROOM.db)\n"
	"  -p, --port PORT     TCP port (default: made from NAME; if taken, "
	"any "
	"free one)\n"
	"  -i, --interface IF  use this network interface only (repeatable)\n"
	"  -n, --history N     lines of history at the start (default: all; on "
	"a\n"
	"                      terminal 50)\n"
	"      --only          link with the named peers only\n"
	"      --no-mdns       look for nobody: PEERs given as addresses only\n"
	"      --legacy        talk with the original program too: unsigned, "
	"and readable\n"
	"                      by everybody in the network\n"
	"      --acks N        --send, --exit-on-eof: so many must have it on "
	"disk (1)\n"
	"      --timeout S     --send, --exit-on-eof: give up after so many "
	"seconds (10)\n"
	"      --exit-on-eof   leave when stdin has ended and all is on a "
	"named peer's\n"
	"                      disk (on anybody's, with none named)\n"
	"      --json          one JSON object a line on stdout\n"
	"  -q, -v              say less; say more\n"
	"  -h, --help          this text\n"
	"  -V, --version\n"
	"\n"
	"--send, --log, --check and --doctor work beside a chat on the same "
	"database: it\n"
	"says what --send is given, to whom it is linked with, and no PEER is "
	"looked for.\n"
	"\n"
	"Messages go to stdout, everything else to stderr.  Without a terminal "
	"each line\n"
	"of stdin is a message, and the end of stdin is not the end: Ctrl-C "
	"is.\n";

/* "[fd77::1]:4000", "10.0.0.7:4000", "box:4000": false when it is neither. */
static bool split_host_port(const char *text, struct target *target)
{
	const char *host = text[0] == '[' ? text + 1 : text;
	const char *colon = strrchr(text, ':');
	size_t size;
	char *end;
	long port;

	if (colon == NULL || colon < host)
		return false;
	size = (size_t)(colon - host);
	if (text[0] == '[' && (size == 0 || host[--size] != ']'))
		return false;
	if (size == 0 || size > RESOLVE_HOST_MAX ||
		(text[0] != '[' && memchr(host, ':', size) != NULL))
		return false;
	port = strtol(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port < 1 ||
		port > UINT16_MAX)
		return false;
	memcpy(target->host, host, size);
	target->host[size] = '\0';
	target->port = (uint16_t)port;
	return true;
}

/* Cuts ".local" off a host if what is left then is a name. */
static bool cut_local(char *host)
{
	size_t size = strlen(host);

	if (size > 6 && strcmp(host + size - 6, ".local") == 0)
		host[size - 6] = '\0';
	else if (strchr(host, '.') != NULL)
		return false;
	if (people_name_valid(host))
		return true;
	if (size > 6 && host[size - 6] == '\0')
		host[size - 6] = '.';
	return false;
}

bool target_parse(const char *text, struct target *target)
{
	size_t size = strlen(text);

	memset(target, 0, sizeof(*target));
	target->text = text;
	if (strchr(text, ':') == NULL && size <= RESOLVE_HOST_MAX) {
		memcpy(target->host, text, size + 1);
		target->kind = TARGET_NAME;
		if (!cut_local(target->host))
			return false;
		target->port = legacy_port_of_name(target->host);
		return true;
	}
	if (!split_host_port(text, target))
		return false;
	target->kind = TARGET_HOST;
	if (resolve_number(target->host, target->port, &target->number))
		target->kind = TARGET_NUMBER;
	else if (strstr(target->host, ".local") != NULL &&
		 cut_local(target->host))
		target->kind = TARGET_NAME;
	return true;
}

static bool number_parse(const char *text, long most, int *number)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > most)
		return false;
	*number = (int)value;
	return true;
}

#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
static int
usage_failed(const char *format, ...)
{
	va_list arguments;

	(void)fputs("error> ", stderr);
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputs("; chat --help tells more\n", stderr);
	return EX_USAGE;
}

/* NAME and the PEERs. */
static int names_parse(struct options *o, char **words, int count)
{
	char lower[PEOPLE_NAME_MAX + 1];

	if (count == 0 && o->command == COMMAND_DOCTOR)
		return EX_OK;
	if (count == 0)
		return usage_failed("your NAME is missing");
	o->name = words[0];
	(void)snprintf(lower, sizeof(lower), "%s", o->name);
	for (char *at = lower; *at != '\0'; at++) {
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	}
	if (!people_name_valid(o->name) && people_name_valid(lower) &&
		strlen(lower) == strlen(o->name))
		return usage_failed(
			"NAME is in small letters: try chat %s", lower);
	if (!people_name_valid(o->name))
		return usage_failed(
			"NAME is 1 to %d of a-z 0-9 and -, without "
			"- at its ends, and not info, warn or error",
			PEOPLE_NAME_MAX);
	if (!people_room_valid(o->room))
		return usage_failed(
			"ROOM is at most %d of a-z 0-9 and -, without - at "
			"its ends",
			LIMIT_NAME);
	if (o->dir != NULL &&
		(o->dir[0] == '\0' || strlen(o->dir) >= OPTIONS_PATH_SIZE))
		return usage_failed("DIR is empty, or too long");
	if ((o->command == COMMAND_LOG || o->command == COMMAND_CHECK ||
		    o->command == COMMAND_DOCTOR) &&
		count > 1)
		return usage_failed("a PEER is for chatting only");
	if (count - 1 > OPTIONS_PEERS_MAX)
		return usage_failed("at most %d PEERs", OPTIONS_PEERS_MAX);
	for (int i = 1; i < count; i++) {
		struct target *peer = &o->peers[o->peer_count];

		if (!target_parse(words[i], peer))
			return usage_failed("PEER is a name, HOST:PORT or "
					    "[V6]:PORT, not '%s'",
				words[i]);
		if (peer->kind == TARGET_NAME &&
			strcmp(peer->host, o->name) == 0)
			continue; /* everybody is linked with oneself */
		if (peer->kind == TARGET_NAME && o->no_mdns)
			return usage_failed("with --no-mdns nobody can be "
					    "found by name: give '%s' as "
					    "HOST:PORT",
				words[i]);
		o->peer_count++;
	}
	if (o->only && o->peer_count == 0)
		return usage_failed("--only without a PEER links with nobody");
	if (count > 1 && o->peer_count == 0)
		(void)fputs("warn> you yourself are the only PEER: others are "
			    "found, but nobody is looked for\n",
			stderr);
	return EX_OK;
}

/* What makes no sense together. */
static int options_check(const struct options *o)
{
	if (o->send != NULL && o->send[0] == '\0')
		return usage_failed("TEXT is empty: there is nothing to send");
	if (o->send != NULL && strlen(o->send) > LIMIT_TEXT)
		return usage_failed("TEXT has at most %d bytes", LIMIT_TEXT);
	if (o->limited && o->command != COMMAND_SEND && !o->exit_on_eof)
		return usage_failed("--acks and --timeout go with --send or "
				    "--exit-on-eof");
	if (o->exit_on_eof && o->command != COMMAND_CHAT)
		return usage_failed("--exit-on-eof is for chatting only");
	return EX_OK;
}

/* Only one thing is done at a time. */
static int command_parse(struct options *o, enum command command)
{
	if (o->command != COMMAND_CHAT)
		return usage_failed("--send, --log, --check or --doctor: one "
				    "of them, once");
	o->command = command;
	o->send = command == COMMAND_SEND ? optarg : NULL;
	return EX_OK;
}

enum {
	OPTION_ONLY = 256,
	OPTION_NO_MDNS,
	OPTION_LEGACY,
	OPTION_JSON,
	OPTION_LOG,
	OPTION_CHECK,
	OPTION_DOCTOR,
	OPTION_SEND,
	OPTION_ACKS,
	OPTION_TIMEOUT,
	OPTION_EXIT_ON_EOF
};

static int option_parse(struct options *o, int option)
{
	switch (option) {
	case 'd':
		o->dir = optarg;
		return EX_OK;
	case 'r':
		o->room = optarg;
		return EX_OK;
	case 'p':
		if (number_parse(optarg, UINT16_MAX, &o->port) && o->port > 0)
			return EX_OK;
		return usage_failed("PORT is 1 to 65535, not '%s'", optarg);
	case 'n':
		if (number_parse(optarg, INT_MAX, &o->history))
			return EX_OK;
		return usage_failed("N is a number of lines, not '%s'", optarg);
	case 'i':
		if (o->interface_count == OPTIONS_INTERFACES_MAX)
			return usage_failed("at most %d interfaces",
				OPTIONS_INTERFACES_MAX);
		o->interfaces[o->interface_count++] = optarg;
		return EX_OK;
	case OPTION_ONLY:
		o->only = true;
		return EX_OK;
	case OPTION_NO_MDNS:
		o->no_mdns = true;
		return EX_OK;
	case OPTION_LEGACY:
		o->legacy = true;
		return EX_OK;
	case OPTION_JSON:
		o->json = true;
		return EX_OK;
	case OPTION_LOG:
		return command_parse(o, COMMAND_LOG);
	case OPTION_CHECK:
		return command_parse(o, COMMAND_CHECK);
	case OPTION_DOCTOR:
		return command_parse(o, COMMAND_DOCTOR);
	case OPTION_SEND:
		return command_parse(o, COMMAND_SEND);
	case OPTION_ACKS:
		o->limited = true;
		if (number_parse(optarg, LIMIT_LINKS, &o->acks))
			return EX_OK;
		return usage_failed(
			"N is 0 to %d, not '%s'", LIMIT_LINKS, optarg);
	case OPTION_TIMEOUT:
		o->limited = true;
		if (number_parse(optarg, OPTIONS_TIMEOUT_MAX, &o->timeout_s))
			return EX_OK;
		return usage_failed(
			"S is a number of seconds, not '%s'", optarg);
	case OPTION_EXIT_ON_EOF:
		o->exit_on_eof = true;
		return EX_OK;
	case 'q':
		o->verbosity = VERBOSITY_QUIET;
		return EX_OK;
	case 'v':
		o->verbosity = VERBOSITY_VERBOSE;
		return EX_OK;
	default:
		(void)fputs("error> chat --help lists the options\n", stderr);
		return EX_USAGE;
	}
}

/* A word about the program itself; then it ends. */
static int print_and_end(const char *text)
{
	if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return EX_OK;
	(void)fprintf(stderr, "error> can not write: %s\n", strerror(errno));
	return EX_IOERR;
}

int options_parse(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "room", required_argument, NULL, 'r' },
		{ "port", required_argument, NULL, 'p' },
		{ "interface", required_argument, NULL, 'i' },
		{ "history", required_argument, NULL, 'n' },
		{ "only", no_argument, NULL, OPTION_ONLY },
		{ "no-mdns", no_argument, NULL, OPTION_NO_MDNS },
		{ "legacy", no_argument, NULL, OPTION_LEGACY },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "send", required_argument, NULL, OPTION_SEND },
		{ "acks", required_argument, NULL, OPTION_ACKS },
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ "exit-on-eof", no_argument, NULL, OPTION_EXIT_ON_EOF },
		{ "log", no_argument, NULL, OPTION_LOG },
		{ "check", no_argument, NULL, OPTION_CHECK },
		{ "doctor", no_argument, NULL, OPTION_DOCTOR },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option, status = EX_OK;

	while ((option = getopt_long(
			argc, argv, "d:r:p:i:n:qvhV", options, NULL)) != -1) {
		if (option == 'h')
			return print_and_end(usage);
		if (option == 'V')
			return print_and_end("chat " OPTIONS_VERSION "\n");
		status = option_parse(o, option);
		if (status != EX_OK)
			return status;
	}
	status = options_check(o);
	if (status == EX_OK)
		status = names_parse(o, argv + optind, argc - optind);
	return status == EX_OK ? OPTIONS_GO_ON : status;
}

void options_path(const struct options *o, char *path, size_t size)
{
	if (o->dir != NULL)
		(void)snprintf(path, size, "%s", o->dir);
	else
		(void)snprintf(path, size, "./%s%s%s.db", o->name,
			o->room[0] == '\0' ? "" : "@", o->room);
	/* With a slash behind it, a symbolic link would be followed. */
	for (size_t end = strlen(path); end > 1 && path[end - 1] == '/'; end--)
		path[end - 1] = '\0';
}

void options_default(struct options *o)
{
	memset(o, 0, sizeof(*o));
	o->room = "";
	o->history = OPTIONS_HISTORY_DEFAULT;
	o->acks = 1;
	o->timeout_s = 10;
	o->verbosity = VERBOSITY_NORMAL;
	o->in_fd = STDIN_FILENO;
	o->out_fd = STDOUT_FILENO;
	o->err_fd = STDERR_FILENO;
	o->signal_fd = -1;
}
