/* SPDX-License-Identifier: ISC */
/* Tests of people.c: the identity, whose name is whose, and their files. */
#include "scratch.h"

#include "hex.h"
#include "legacy.h"
#include "people.h"

#define SEED "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define PUBLIC                                                                 \
	"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define OTHER "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"

/* RFC 8032, section 7.1, test 1. */
static const char identity[] = "chat identity 1\n"
			       "mode open\n"
			       "room -\n"
			       "seed " SEED "\n"
			       "public " PUBLIC "\n";

static const uint8_t bob[RECORD_KEY_SIZE] = { 0x00, 0x44, 0x32, 0x14, 0xc7 };
static const uint8_t mallory[RECORD_KEY_SIZE] = { 0xff, 0xbb, 0xcd, 0xeb };
static const uint8_t carol[LEGACY_KEY_SIZE] = "cmws77s0x";
static const uint8_t dave[LEGACY_KEY_SIZE] = "cdave1234";
static struct people_failure failure;

static struct people *open_with(struct scratch *s, struct people_options o)
{
	if (o.name == NULL)
		o.name = "alice";
	if (o.room == NULL)
		o.room = "";
	return people_open(s->fd, &o, &failure);
}

static struct people *open_alice(struct scratch *s)
{
	struct people_options options = { .make = true };
	struct people *p = open_with(s, options);

	if (p == NULL)
		fail_msg("trouble %d with %s", failure.trouble, failure.file);
	return p;
}

static struct people *open_again(struct scratch *s, struct people *p)
{
	people_close(p);
	return open_alice(s);
}

static void refused(struct scratch *s, enum people_trouble trouble)
{
	struct people_options options = { .make = true };

	assert_null(open_with(s, options));
	assert_int_equal(failure.trouble, trouble);
}

static const char *shown(const struct people *p, const uint8_t *key)
{
	static char name[PEOPLE_SHOWN_MAX + 1];

	people_show(p, key, name);
	return name;
}

static const char *legacy_shown(const struct people *p, const uint8_t *key)
{
	static char name[PEOPLE_SHOWN_MAX + 1];

	people_show_legacy(p, key, name);
	return name;
}

static void names_are_letters_digits_and_inner_dashes(void **state)
{
	static const char *const good[] = { "a", "bob", "r2-d2", "0",
		"abcdefghijklmnopqrstuvwxyz012345" };
	static const char *const bad[] = { "", "-", "-rf", "a-", "Bob", "a b",
		"a.b", "../x", "/tmp/x", ".", "info", "warn", "error", "b\xc3",
		"abcdefghijklmnopqrstuvwxyz0123456" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(people_name_valid(good[i]));
		assert_true(people_room_valid(good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(people_name_valid(bad[i]));
	assert_true(people_room_valid(""));
	assert_true(people_room_valid("info"));
	assert_false(people_room_valid("../x"));
}

/* Base32 of the keys' first bits, by RFC 4648. */
static void a_suffix_is_six_letters_of_a_key(void **state)
{
	char letters[7];

	(void)state;
	people_suffix(bob, letters);
	assert_string_equal(letters, "abcdef");
	people_suffix(mallory, letters);
	assert_string_equal(letters, "765432");
}

/* The identity. */

static void an_identity_is_made_once_and_kept(void **state)
{
	struct people *p = open_alice(*state);
	struct scratch *s = *state;
	uint8_t key[RECORD_KEY_SIZE];
	char text[sizeof(identity)], hex[2 * RECORD_KEY_SIZE + 1] = "";
	struct writer w = writer_over(hex, sizeof(hex) - 1);
	struct stat status;

	assert_true(people_is_new(p));
	memcpy(key, people_key(p)->public_key, sizeof(key));
	write_hex(&w, key, sizeof(key));
	assert_int_equal(strlen(scratch_read(s, "identity")), sizeof(text) - 1);
	memcpy(text, scratch_read(s, "identity"), sizeof(text));
	assert_non_null(strstr(text, hex));
	assert_int_equal(
		fstatat(s->fd, "identity", &status, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	p = open_again(s, p);
	assert_false(people_is_new(p));
	assert_memory_equal(people_key(p)->public_key, key, sizeof(key));
	assert_string_equal(scratch_read(s, "identity"), text);
	people_close(p);
}

static void an_identity_is_read_as_documented(void **state)
{
	uint8_t room_id[RECORD_ID_SIZE], key[RECORD_KEY_SIZE];
	struct people *p;

	scratch_write(*state, "identity", identity);
	p = open_alice(*state);
	(void)hex_bytes(key, sizeof(key), PUBLIC);
	assert_memory_equal(people_key(p)->public_key, key, sizeof(key));
	record_room_id(room_id, false, "");
	assert_memory_equal(people_room_id(p), room_id, sizeof(room_id));
	assert_string_equal(people_own_name(p), "alice");
	people_close(p);
}

static void an_interrupted_making_is_begun_anew(void **state)
{
	struct scratch *s = *state;

	scratch_write(s, "identity.tmp", "chat iden");
	people_close(open_alice(s));
	assert_int_equal(faccessat(s->fd, "identity.tmp", F_OK, 0), -1);
}

static void abuse_47_a_damaged_identity_is_refused_and_never_made_anew(
	void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"@0011\n",
		"chat identity 1\nmode open\nroom -\nseed " SEED
		"\npublic " OTHER "\n",
		"chat identity 1\nmode open\nroom -\nseed " OTHER
		"\npublic " PUBLIC "\n",
		"chat identity 1\nmode open\nroom -\nseed " SEED
		"\npublic " PUBLIC "\n\n",
		"chat identity 1\nmode ajar\nroom -\nseed " SEED
		"\npublic " PUBLIC "\n",
		"chat identity 1\nmode open\nroom \nseed " SEED
		"\npublic " PUBLIC "\n",
		"chat identity 1\nmode open\nroom -x\nseed " SEED
		"\npublic " PUBLIC "\n",
		"chat identity 1\r\nmode open\r\nroom -\r\nseed " SEED
		"\r\npublic " PUBLIC "\r\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		scratch_write(*state, "identity", bad[i]);
		refused(*state, PEOPLE_DAMAGED);
		assert_string_equal(failure.file, "identity");
		assert_string_equal(scratch_read(*state, "identity"), bad[i]);
	}
}

static void abuse_47_an_identity_cut_anywhere_is_refused(void **state)
{
	char text[sizeof(identity)];

	for (size_t size = 0; size + 1 < sizeof(identity); size++) {
		memcpy(text, identity, size);
		text[size] = '\0';
		scratch_write(*state, "identity", text);
		refused(*state, PEOPLE_DAMAGED);
		assert_string_equal(scratch_read(*state, "identity"), text);
	}
}

static void abuse_47_an_identity_that_is_linked_is_refused(void **state)
{
	struct scratch *s = *state;

	scratch_write(s, "elsewhere", identity);
	assert_int_equal(symlinkat("elsewhere", s->fd, "identity"), 0);
	refused(s, PEOPLE_FILE);
	assert_int_equal(failure.result, FILE_NOT_FILE);
	assert_int_equal(unlinkat(s->fd, "identity", 0), 0);
	assert_int_equal(symlinkat("nowhere", s->fd, "identity"), 0);
	refused(s, PEOPLE_FILE);
	assert_int_equal(faccessat(s->fd, "nowhere", F_OK, 0), -1);
	assert_int_equal(unlinkat(s->fd, "identity", 0), 0);
	assert_int_equal(linkat(s->fd, "elsewhere", s->fd, "identity", 0), 0);
	refused(s, PEOPLE_FILE);
	assert_int_equal(failure.result, FILE_LINKED);
	assert_string_equal(scratch_read(s, "elsewhere"), identity);
}

static void abuse_47_an_identity_that_others_may_open_is_refused(void **state)
{
	struct scratch *s = *state;

	scratch_write(s, "identity", identity);
	assert_int_equal(fchmodat(s->fd, "identity", 0644, 0), 0);
	refused(s, PEOPLE_FILE);
	assert_int_equal(failure.result, FILE_READABLE);
	assert_string_equal(scratch_read(s, "identity"), identity);
	assert_int_equal(fchmodat(s->fd, "identity", 0600, 0), 0);
	people_close(open_alice(s));
}

static void an_identity_of_another_room_is_refused(void **state)
{
	static const struct people_options kitchen = { .room = "kitchen",
		.make = true };
	struct people *p = open_with(*state, kitchen);

	assert_non_null(p);
	people_close(p);
	refused(*state, PEOPLE_OTHER_ROOM);
	assert_string_equal(failure.room, "kitchen");
	p = open_with(*state, kitchen);
	assert_non_null(p);
	people_close(p);
}

static void a_newer_identity_is_refused(void **state)
{
	scratch_write(*state, "identity", "chat identity 2\nwhatever\n");
	refused(*state, PEOPLE_NEWER);
}

/* So nothing of it is sent to anybody, of the original program or not. */
static void abuse_37_L5_a_closed_room_is_not_opened(void **state)
{
	scratch_write(*state, "identity",
		"chat identity 1\nmode closed\nroom -\nwhatever\n");
	refused(*state, PEOPLE_NEWER);
}

static void abuse_47_a_lost_identity_is_not_made_anew(void **state)
{
	struct scratch *s = *state;
	struct people_options signed_log = { .make = true, .expected = true };

	assert_null(open_with(s, signed_log));
	assert_int_equal(failure.trouble, PEOPLE_MISSING);
	people_close(open_alice(s));
	assert_int_equal(unlinkat(s->fd, "identity", 0), 0);
	refused(s, PEOPLE_MISSING); /* `peers` is there */
	assert_int_equal(faccessat(s->fd, "identity", F_OK, 0), -1);
}

static void an_identity_of_another_database_is_refused(void **state)
{
	struct scratch *s = *state;

	people_close(open_alice(s)); /* with a key of her own */
	scratch_write(s, "identity", identity);
	refused(s, PEOPLE_OTHER_KEY);
	assert_string_equal(scratch_read(s, "identity"), identity);
}

static void a_clock_of_1970_makes_no_name_ours(void **state)
{
	struct people *p = open_alice(*state);

	assert_int_equal(people_meet(p, bob, "bob", 0), PEOPLE_PINNED);
	people_close(open_again(*state, p));
}

static void who_only_looks_writes_nothing(void **state)
{
	struct scratch *s = *state;
	struct people_options look = { .name = "bob" };
	struct people *p = open_with(s, look);

	assert_null(p);
	assert_int_equal(failure.trouble, PEOPLE_MISSING);
	assert_int_equal(faccessat(s->fd, "identity", F_OK, 0), -1);
	scratch_write(s, "identity", identity);
	p = open_with(s, look);
	assert_non_null(p);
	assert_int_equal(people_meet(p, mallory, "m", 1), PEOPLE_PINNED);
	assert_false(people_unsaved(p));
	people_close(p);
	assert_int_equal(faccessat(s->fd, "peers", F_OK, 0), -1);
}

/* Names. */

static void the_first_to_link_under_a_name_keeps_it(void **state)
{
	struct people *p = open_alice(*state);

	assert_int_equal(people_meet(p, bob, "bob", 7), PEOPLE_PINNED);
	assert_int_equal(people_meet(p, mallory, "bob", 8), PEOPLE_STRANGER);
	assert_memory_equal(people_pinned(p, "bob"), bob, sizeof(bob));
	assert_null(people_pinned(p, "mallory"));
	for (int life = 0; life < 2; life++) {
		assert_string_equal(shown(p, bob), "bob");
		assert_int_equal(
			people_meet(p, mallory, "bob", 9), PEOPLE_STRANGER);
		assert_string_equal(shown(p, mallory), "bob~765432");
		assert_int_equal(people_meet(p, bob, "bob", 9), PEOPLE_KNOWN);
		p = open_again(*state, p);
	}
	people_close(p);
}

static void a_renamed_key_keeps_its_older_names(void **state)
{
	struct people *p = open_alice(*state);

	assert_int_equal(people_meet(p, bob, "bob", 7), PEOPLE_PINNED);
	assert_int_equal(people_meet(p, bob, "robert", 8), PEOPLE_RENAMED);
	p = open_again(*state, p);
	assert_string_equal(shown(p, bob), "robert");
	assert_int_equal(people_meet(p, mallory, "bob", 9), PEOPLE_STRANGER);
	assert_string_equal(shown(p, mallory), "bob~765432");
	assert_int_equal(people_meet(p, bob, "bob", 9), PEOPLE_KNOWN);
	assert_string_equal(shown(p, bob), "bob");
	people_close(p);
}

static void our_own_name_is_ours(void **state)
{
	struct people_options as_bob = { .name = "bob", .make = true };
	struct people *p = open_alice(*state);
	const uint8_t *own = people_key(p)->public_key;

	assert_int_equal(people_meet(p, mallory, "alice", 7), PEOPLE_STRANGER);
	assert_string_equal(shown(p, mallory), "alice~765432");
	assert_int_equal(people_meet(p, own, "eve", 7), PEOPLE_KNOWN);
	people_claim(p, own, "eve");
	assert_string_equal(shown(p, own), "alice");
	assert_int_equal(people_meet(p, bob, "bob", 7), PEOPLE_PINNED);
	people_close(p);

	/* The same database used under another name, even a pinned one. */
	p = open_with(*state, as_bob);
	own = people_key(p)->public_key;
	assert_string_equal(shown(p, own), "bob");
	assert_memory_equal(people_pinned(p, "bob"), own, sizeof(bob));
	assert_string_equal(shown(p, bob), "bob~abcdef");
	assert_int_equal(people_meet(p, mallory, "alice", 7), PEOPLE_STRANGER);
	p = open_again(*state, p);
	assert_string_equal(shown(p, bob), "bob");
	people_close(p);
}

static void who_is_only_relayed_is_shown_by_his_claim(void **state)
{
	struct people *p = open_alice(*state);

	assert_string_equal(shown(p, bob), "~abcdef");
	people_claim(p, bob, "bob");
	people_claim(p, mallory, "bob");
	assert_string_equal(shown(p, bob), "bob");
	assert_string_equal(shown(p, mallory), "bob~765432");
	assert_null(people_pinned(p, "bob"));
	people_claim(p, bob, "robert");
	people_claim(p, mallory, "eve");
	people_claim(p, mallory, "bob"); /* it is free now */
	assert_string_equal(shown(p, mallory), "bob");
	p = open_again(*state, p);
	assert_string_equal(shown(p, mallory), "~765432");
	people_close(p);
}

static void a_claim_is_worth_less_than_a_pin(void **state)
{
	struct people *p = open_alice(*state);

	people_claim(p, mallory, "bob");
	assert_int_equal(people_meet(p, bob, "bob", 7), PEOPLE_PINNED);
	assert_string_equal(shown(p, bob), "bob");
	assert_string_equal(shown(p, mallory), "bob~765432");
	people_claim(p, bob, "robert");
	assert_string_equal(shown(p, bob), "bob");
	people_close(p);
}

/* Names that would look like our notices. */
static void abuse_43_names_that_are_words_of_ours_are_never_shown_bare(
	void **state)
{
	struct people *p = open_alice(*state);

	people_claim(p, mallory, "error");
	assert_string_equal(shown(p, mallory), "error~765432");
	assert_int_equal(people_meet(p, mallory, "warn", 7), PEOPLE_STRANGER);
	assert_string_equal(shown(p, mallory), "warn~765432");
	assert_int_equal(people_meet(p, mallory, "", 7), PEOPLE_STRANGER);
	assert_string_equal(shown(p, mallory), "~765432");
	people_claim(p, mallory, "../x");
	people_claim(p, mallory, "bob\n");
	assert_string_equal(shown(p, mallory), "~765432");
	people_close(p);
}

static void numbered_key(uint8_t key[RECORD_KEY_SIZE], unsigned number)
{
	struct writer w = writer_over(key, RECORD_KEY_SIZE);

	write_le32(&w, number * 2654435761u);
	write_zeros(&w, RECORD_KEY_SIZE - w.size);
}

static void pins_that_find_no_room_are_not_made(void **state)
{
	struct people *p = open_alice(*state);
	uint8_t key[RECORD_KEY_SIZE];
	char name[16];

	for (unsigned i = 1; i < LIMIT_PINS; i++) {
		numbered_key(key, i);
		(void)snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(people_meet(p, key, name, i), PEOPLE_PINNED);
	}
	p = open_again(*state, p);
	assert_int_equal(people_meet(p, key, name, 1), PEOPLE_KNOWN);
	assert_string_equal(shown(p, key), name);
	assert_int_equal(people_meet(p, bob, "bob", 1), PEOPLE_NO_ROOM);
	assert_string_equal(shown(p, bob), "bob~abcdef");
	people_claim(p, mallory, "mallory");
	assert_string_equal(shown(p, mallory), "mallory~765432");
	people_close(p);
}

/* As many keys as there may be logs, and then as many strangers again. */
static void more_persons_than_can_be_remembered_are_shown(void **state)
{
	struct people *p = open_alice(*state);
	uint8_t key[RECORD_KEY_SIZE];

	for (unsigned i = 1; i < LIMIT_PINS + LIMIT_LOGS + 100; i++) {
		numbered_key(key, i);
		people_claim(p, key, "bob");
	}
	assert_int_equal(strncmp(shown(p, key), "~", 1), 0);
	assert_int_equal(people_meet(p, key, "eve", 1), PEOPLE_NO_ROOM);
	people_close(p);
}

static void original_authors_are_marked(void **state)
{
	struct people *p = open_alice(*state);

	assert_string_equal(legacy_shown(p, carol), "?cmws77s");
	people_claim_legacy(p, carol, "carol");
	people_claim_legacy(p, dave, "carol");
	people_claim_legacy(p, dave, "192.168.1.5");
	for (int life = 0; life < 2; life++) {
		assert_string_equal(legacy_shown(p, carol), "?carol");
		assert_string_equal(legacy_shown(p, dave), "?carol~cdave1");
		p = open_again(*state, p);
	}
	/* A key is another person than an id of the same bytes. */
	people_claim(p, carol, "bob");
	assert_string_equal(legacy_shown(p, carol), "?carol");
	people_close(p);
}

static void an_old_database_is_taken_over(void **state)
{
	struct scratch *s = *state;
	static const char id[] = "@" PUBLIC "\n";
	static const char names[] = "cmws77s0x carol\ncdave1234 carol\n";
	struct people_options look = { .name = "alice" };
	struct people *p;
	uint8_t old[LEGACY_KEY_SIZE];

	(void)hex_bytes(old, sizeof(old), PUBLIC);
	scratch_write(s, "id", id);
	scratch_write(s, "names", names);
	for (int life = 0; life < 3; life++) {
		p = life == 0 ? open_with(s, look) : open_alice(s);
		assert_non_null(p);
		assert_string_equal(legacy_shown(p, old), "?alice");
		assert_string_equal(legacy_shown(p, carol), "?carol");
		assert_string_equal(legacy_shown(p, dave), "?carol~cdave1");
		assert_int_equal(people_key(p) == NULL, life == 0);
		assert_int_equal(people_is_new(p), life == 1);
		people_close(p);
	}
	assert_string_equal(scratch_read(s, "id"), id);
	assert_string_equal(scratch_read(s, "names"), names);
	assert_int_equal(unlinkat(s->fd, "peers", 0), 0);
	scratch_write(s, "names", "carol\n");
	refused(s, PEOPLE_DAMAGED);
	assert_string_equal(failure.file, "names");
}

/* The file of the others. */

static const char peers[] = "chat peers 1\n"
			    "pin alice " PUBLIC " 0 1\n"
			    "pin bob " OTHER " 1763856000000 0\n"
			    "legacy carol cmws77s0x\n"
			    "legacy carol cdave1234\n"
			    "end\n";

static void peers_are_written_as_they_are_read(void **state)
{
	struct people *p;

	scratch_write(*state, "identity", identity);
	scratch_write(*state, "peers", peers);
	p = open_alice(*state);
	assert_false(people_unsaved(p));
	assert_int_equal(people_meet(p, mallory, "m", 5), PEOPLE_PINNED);
	assert_true(people_unsaved(p));
	assert_int_equal(people_save(p), 0);
	assert_int_equal(strncmp(scratch_read(*state, "peers"), peers, 100), 0);
	assert_non_null(strstr(scratch_read(*state, "peers"), " 5 0\nlegacy"));
	assert_non_null(strstr(scratch_read(*state, "peers"),
		"legacy carol cmws77s0x\nlegacy carol cdave1234\nend\n"));
	people_close(p);
}

static void damaged_peers_are_refused(void **state)
{
	static const char *const bad[] = { "", "chat peers 1\n", "end\n",
		"chat peers 1\nend\nend\n", "chat peers 1\n\nend\n",
		"chat peers 1\npin bob " OTHER " 1 0\npin bob " PUBLIC
		" 1 0\nend\n",
		"chat peers 1\npin Bob " OTHER " 1 0\nend\n",
		"chat peers 1\npin warn " OTHER " 1 0\nend\n",
		"chat peers 1\npin bob " OTHER " 01 0\nend\n",
		"chat peers 1\npin bob " OTHER "  0\nend\n",
		"chat peers 1\npin bob " OTHER " -1 0\nend\n",
		"chat peers 1\npin bob " OTHER " 12345678901234567890 0\nend\n",
		"chat peers 1\npin bob " OTHER " 1 2\nend\n",
		"chat peers 1\npin bob " OTHER " 1 0 \nend\n",
		"chat peers 1\npin bob 00" OTHER " 1 0\nend\n",
		"chat peers 1\nlegacy bob CBOB\nend\n",
		"chat peers 1\nlegacy bob cbob\nlegacy eve cbob\nend\n",
		"chat peers 1\nfriend bob\nend\n" };

	scratch_write(*state, "identity", identity);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		scratch_write(*state, "peers", bad[i]);
		refused(*state, PEOPLE_DAMAGED);
		assert_string_equal(failure.file, "peers");
		assert_string_equal(scratch_read(*state, "peers"), bad[i]);
	}
	scratch_write(*state, "peers", "chat peers 2\n");
	refused(*state, PEOPLE_NEWER);
}

static void peers_cut_anywhere_are_refused(void **state)
{
	char text[sizeof(peers)];

	scratch_write(*state, "identity", identity);
	for (size_t size = 0; size + 1 < sizeof(peers); size++) {
		memcpy(text, peers, size);
		text[size] = '\0';
		scratch_write(*state, "peers", text);
		refused(*state, PEOPLE_DAMAGED);
	}
}

static void abuse_48_peers_swapped_for_a_link_are_not_written_through(
	void **state)
{
	struct scratch *s = *state;
	struct people *p = open_alice(s);

	assert_int_equal(people_save(p), 0);
	scratch_write(s, "outside", "untouched");
	assert_int_equal(unlinkat(s->fd, "peers", 0), 0);
	assert_int_equal(symlinkat("outside", s->fd, "peers"), 0);
	assert_int_equal(people_meet(p, bob, "bob", 7), PEOPLE_PINNED);
	assert_int_equal(people_save(p), -1);
	assert_int_equal(errno, ELOOP);
	assert_true(people_unsaved(p));
	assert_string_equal(scratch_read(s, "outside"), "untouched");
	assert_int_equal(unlinkat(s->fd, "peers", 0), 0);
	p = open_again(s, p);
	assert_string_equal(shown(p, bob), "bob");
	people_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(names_are_letters_digits_and_inner_dashes),
		scratch_test(a_suffix_is_six_letters_of_a_key),
		scratch_test(an_identity_is_made_once_and_kept),
		scratch_test(an_identity_is_read_as_documented),
		scratch_test(an_interrupted_making_is_begun_anew),
		scratch_test(
			abuse_47_a_damaged_identity_is_refused_and_never_made_anew),
		scratch_test(abuse_47_an_identity_cut_anywhere_is_refused),
		scratch_test(abuse_47_an_identity_that_is_linked_is_refused),
		scratch_test(
			abuse_47_an_identity_that_others_may_open_is_refused),
		scratch_test(an_identity_of_another_room_is_refused),
		scratch_test(a_newer_identity_is_refused),
		scratch_test(abuse_37_L5_a_closed_room_is_not_opened),
		scratch_test(abuse_47_a_lost_identity_is_not_made_anew),
		scratch_test(an_identity_of_another_database_is_refused),
		scratch_test(a_clock_of_1970_makes_no_name_ours),
		scratch_test(who_only_looks_writes_nothing),
		scratch_test(the_first_to_link_under_a_name_keeps_it),
		scratch_test(a_renamed_key_keeps_its_older_names),
		scratch_test(our_own_name_is_ours),
		scratch_test(who_is_only_relayed_is_shown_by_his_claim),
		scratch_test(a_claim_is_worth_less_than_a_pin),
		scratch_test(
			abuse_43_names_that_are_words_of_ours_are_never_shown_bare),
		scratch_test(pins_that_find_no_room_are_not_made),
		scratch_test(more_persons_than_can_be_remembered_are_shown),
		scratch_test(original_authors_are_marked),
		scratch_test(an_old_database_is_taken_over),
		scratch_test(peers_are_written_as_they_are_read),
		scratch_test(damaged_peers_are_refused),
		scratch_test(peers_cut_anywhere_are_refused),
		scratch_test(
			abuse_48_peers_swapped_for_a_link_are_not_written_through),
	};

	ed25519_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
