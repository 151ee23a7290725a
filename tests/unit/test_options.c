/* SPDX-License-Identifier: ISC */
/* Tests of options.c: what a command line means, and what is wrong with it. */
#include "scratch.h"

#include <getopt.h>
#include <netinet/in.h>
#include <sysexits.h>

#include "options.h"

enum { WORDS_MAX = 80 };

/* Parses `line`, cut at spaces; "_" is the empty word.  */
static int parse(struct options *o, const char *line)
{
	static char copy[4096];
	char *words[WORDS_MAX + 1], *word, *rest = NULL;
	int count = 1, status;
	int saved = dup(STDERR_FILENO);
	int null = open("/dev/null", O_WRONLY);

	(void)snprintf(copy, sizeof(copy), "%s", line);
	words[0] = copy;
	copy[strlen(copy) + 1] = '\0';
	words[0] = strtok_r(copy, " ", &rest);
	while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
		assert_true(count < WORDS_MAX);
		words[count++] = strcmp(word, "_") == 0 ? word + 1 : word;
	}
	words[count] = NULL;
	options_default(o);
#if defined(__linux__)
	optind = 0; /* begins anew, glibc and musl */
#else
	optind = optreset = 1;
#endif
	assert_true(dup2(null, STDERR_FILENO) >= 0);
	status = options_parse(o, count, words);
	(void)fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_int_equal(close(saved), 0);
	assert_int_equal(close(null), 0);
	return status;
}

static void a_name_alone_is_enough(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "chat alice"), OPTIONS_GO_ON);
	assert_string_equal(o.name, "alice");
	assert_int_equal(o.peer_count, 0);
	assert_int_equal(o.port, 0);
	assert_int_equal(o.history, OPTIONS_HISTORY_DEFAULT);
	assert_null(o.dir);
	assert_string_equal(o.room, "");
	assert_false(o.only || o.no_mdns || o.legacy || o.json);
	assert_int_equal(o.verbosity, VERBOSITY_NORMAL);
	assert_int_equal(o.signal_fd, -1);
}

static void every_option_has_its_place(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(
		parse(&o, "chat -d /x --port 4000 -n 7 -i eth0 -i lo "
			  "--only --legacy --json -v alice bob 10.0.0.7:5"),
		OPTIONS_GO_ON);
	assert_string_equal(o.dir, "/x");
	assert_int_equal(o.port, 4000);
	assert_int_equal(o.history, 7);
	assert_int_equal(o.interface_count, 2);
	assert_string_equal(o.interfaces[1], "lo");
	assert_true(o.only && o.legacy && o.json);
	assert_int_equal(o.verbosity, VERBOSITY_VERBOSE);
	assert_int_equal(o.peer_count, 2);
	assert_int_equal(o.peers[0].port, 62474);
	assert_int_equal(
		parse(&o, "chat --no-mdns -q alice [::1]:5"), OPTIONS_GO_ON);
	assert_true(o.no_mdns);
	assert_int_equal(o.verbosity, VERBOSITY_QUIET);
}

static void commands_are_chosen_by_options(void **state)
{
	struct options o;
	char path[64];

	(void)state;
	assert_int_equal(parse(&o, "chat alice"), OPTIONS_GO_ON);
	assert_int_equal(o.command, COMMAND_CHAT);
	options_path(&o, path, sizeof(path));
	assert_string_equal(path, "./alice.db");
	assert_int_equal(parse(&o, "chat --log -n 5 alice"), OPTIONS_GO_ON);
	assert_int_equal(o.command, COMMAND_LOG);
	assert_int_equal(parse(&o, "chat --check -d /x/ alice"), OPTIONS_GO_ON);
	assert_int_equal(o.command, COMMAND_CHECK);
	options_path(&o, path, sizeof(path));
	assert_string_equal(path, "/x");
}

static void a_room_has_a_database_of_its_own(void **state)
{
	static const struct {
		const char *line, *room, *path;
	} cases[] = {
		{ "chat alice", "", "./alice.db" },
		{ "chat -r _ alice", "", "./alice.db" },
		{ "chat -r kitchen alice", "kitchen", "./alice@kitchen.db" },
		{ "chat --room a-1 --log alice", "a-1", "./alice@a-1.db" },
		{ "chat -r kitchen -d x alice", "kitchen", "x" },
		{ "chat -r abcdefghijklmnopqrstuvwxyz012345 alice",
			"abcdefghijklmnopqrstuvwxyz012345",
			"./alice@abcdefghijklmnopqrstuvwxyz012345.db" },
	};
	struct options o;
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(parse(&o, cases[i].line), OPTIONS_GO_ON);
		assert_string_equal(o.room, cases[i].room);
		options_path(&o, path, sizeof(path));
		assert_string_equal(path, cases[i].path);
	}
}

static void abuse_45_what_makes_no_sense_is_a_usage_error(void **state)
{
	static const char *const lines[] = { "chat", "chat Alice", "chat _",
		"chat -rf", "chat ../../etc/x", "chat /tmp/x", "chat .",
		"chat ..", "chat info", "chat a_b", "chat -- -a",
		"chat abcdefghijklmnopqrstuvwxyz0123456", "chat alice Bob",
		"chat --log alice bob", "chat --check alice bob",
		"chat alice b:", "chat alice :5", "chat alice b:0",
		"chat alice b:65536", "chat alice b:5x", "chat alice b:+5",
		"chat alice ::1:5:", "chat alice fe80::1:5", "chat alice []:5",
		"chat alice [::1]", "chat alice bob.example", "chat alice _",
		"chat -p 0 alice", "chat -p 65536 alice", "chat -p x alice",
		"chat -p _ alice", "chat -n -1 alice", "chat -n 1x alice",
		"chat -x alice", "chat -d _ alice", "chat --unknown alice",
		"chat -p", "chat --no-mdns alice bob",
		"chat --no-mdns alice b.local:5", "chat -r Kitchen alice",
		"chat -r ../x alice", "chat -r - alice", "chat -r a- alice",
		"chat -r /x alice",
		"chat -r abcdefghijklmnopqrstuvwxyz0123456 alice", "chat -r",
		"chat --legacy=1 alice", "chat --send x --log alice",
		"chat --log --check alice", "chat --doctor --send x alice",
		"chat --check --doctor", "chat --send x --send y alice",
		"chat --send _ alice", "chat --acks 1 alice",
		"chat --timeout 5 alice", "chat --log --timeout 5 alice",
		"chat --send x --timeout 86401 alice",
		"chat --send x --acks 65 alice", "chat --only alice",
		"chat --only alice alice", "chat --log --exit-on-eof alice",
		"chat --send x --exit-on-eof alice",
		"chat -i a -i a -i a -i a -i a -i a -i a -i a -i a alice" };
	struct options o;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (parse(&o, lines[i]) != EX_USAGE)
			fail_msg("accepted: %s", lines[i]);
	}
}

static void acks_and_timeout_go_with_what_is_delivered(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(
		parse(&o, "chat --send hi --acks 0 --timeout 86400 alice bob"),
		OPTIONS_GO_ON);
	assert_int_equal(o.command, COMMAND_SEND);
	assert_string_equal(o.send, "hi");
	assert_int_equal(o.acks, 0);
	assert_int_equal(o.timeout_s, OPTIONS_TIMEOUT_MAX);
	assert_int_equal(parse(&o, "chat --timeout 3 --exit-on-eof alice"),
		OPTIONS_GO_ON);
	assert_int_equal(o.timeout_s, 3);
	assert_int_equal(parse(&o, "chat alice alice"), OPTIONS_GO_ON);
	assert_int_equal(o.peer_count, 0);
}

static void more_peers_than_there_is_room_for_are_refused(void **state)
{
	struct options o;
	char line[1024] = "chat alice";

	(void)state;
	for (int i = 0; i < OPTIONS_PEERS_MAX; i++)
		(void)snprintf(line + strlen(line), 16, " p%d", i);
	assert_int_equal(parse(&o, line), OPTIONS_GO_ON);
	assert_int_equal(o.peer_count, OPTIONS_PEERS_MAX);
	(void)snprintf(line + strlen(line), 8, " more");
	assert_int_equal(parse(&o, line), EX_USAGE);
}

static void oneself_is_no_peer(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(
		parse(&o, "chat alice alice alice.local bob"), OPTIONS_GO_ON);
	assert_int_equal(o.peer_count, 1);
	assert_string_equal(o.peers[0].host, "bob");
}

static void a_peer_is_a_name_a_number_or_a_host(void **state)
{
	static const struct {
		const char *text;
		enum target_kind kind;
		const char *host;
		uint16_t port;
	} cases[] = {
		{ "bob", TARGET_NAME, "bob", 62474 },
		{ "bob.local", TARGET_NAME, "bob", 62474 },
		{ "bob.local:4000", TARGET_NAME, "bob", 4000 },
		{ "10.0.0.7:4000", TARGET_NUMBER, "10.0.0.7", 4000 },
		{ "[fd77::1]:4000", TARGET_NUMBER, "fd77::1", 4000 },
		{ "box:4000", TARGET_HOST, "box", 4000 },
		{ "foo.bar.local:1", TARGET_HOST, "foo.bar.local", 1 },
		{ "box.example:1", TARGET_HOST, "box.example", 1 },
		{ "Box.Local:65535", TARGET_HOST, "Box.Local", 65535 },
	};
	struct target t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_true(target_parse(cases[i].text, &t));
		assert_int_equal(t.kind, cases[i].kind);
		assert_string_equal(t.host, cases[i].host);
		assert_int_equal(t.port, cases[i].port);
		assert_ptr_equal(t.text, cases[i].text);
	}
	assert_true(target_parse("[::1]:7", &t));
	assert_int_equal(t.number.ss_family, AF_INET6);
	assert_int_equal(
		((struct sockaddr_in6 *)&t.number)->sin6_port, htons(7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_alone_is_enough),
		cmocka_unit_test(every_option_has_its_place),
		cmocka_unit_test(commands_are_chosen_by_options),
		cmocka_unit_test(a_room_has_a_database_of_its_own),
		cmocka_unit_test(abuse_45_what_makes_no_sense_is_a_usage_error),
		cmocka_unit_test(acks_and_timeout_go_with_what_is_delivered),
		cmocka_unit_test(more_peers_than_there_is_room_for_are_refused),
		cmocka_unit_test(oneself_is_no_peer),
		cmocka_unit_test(a_peer_is_a_name_a_number_or_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
