/* SPDX-License-Identifier: ISC */
/*
 * test_cache.c: what others have told: who goes when there is no more room, and
 * whom a record makes go.  Numbers are sections of RFC 6762.  Time is virtual.
 */
#include "platform.h"

#include "testing.h"

#include "mdns/cache.h"

enum { START_MS = 1000 * 1000, SECOND_MS = 1000 };

static struct cache cache;

/* The address 10.0.0.`last` of a host. */
static struct dns_record address_of(
	const char *name, unsigned last, uint32_t ttl_s)
{
	struct dns_record record = {
		.type = DNS_A, .class = DNS_IN, .ttl_s = ttl_s, .size = 4
	};
	const uint8_t bytes[4] = { 10, 0, 0, (uint8_t)last };

	dns_name_set(&record.name, name);
	memcpy(record.data, bytes, sizeof(bytes));
	return record;
}

static struct dns_record address_of_number(unsigned number, uint32_t ttl_s)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "host-%u.local", number);
	return address_of(name, 1, ttl_s);
}

/* It comes by an interface from the host number `source`. */
static void put(const struct dns_record *record, uint32_t index,
	unsigned source, int64_t now_ms)
{
	struct cache_origin origin = { .index = index };

	origin.source[0] = (uint8_t)source;
	cache_put(&cache, record, &origin, now_ms);
}

static bool knows(const struct dns_record *record, uint32_t index)
{
	return cache_find_record(&cache, record, index) != NULL;
}

/* How many records of the hosts `first` and up are there. */
static unsigned count_of_numbers(unsigned first, unsigned count)
{
	unsigned known = 0;

	for (unsigned i = first; i < first + count; i++) {
		struct dns_record record = address_of_number(i, 1);

		known += knows(&record, 3);
	}
	return known;
}

/* The lives of these are all different, in no order: 100 s and more. */
static uint32_t ttl_of(unsigned number)
{
	return 100 + (number * 37 + 100) % CACHE_MAX;
}

/*
 * Full, it gives up what would end first, whoever said it; and again, as often
 * as something new comes.
 */
static void cache_full_gives_up_what_ends_first(void **state)
{
	(void)state;
	cache_open(&cache, 1);
	for (unsigned i = 0; i < CACHE_MAX; i++) {
		struct dns_record record = address_of_number(i, ttl_of(i));

		put(&record, 3, i % 8, START_MS);
	}
	assert_int_equal(count_of_numbers(0, CACHE_MAX), CACHE_MAX);
	for (unsigned gone = 1; gone <= 100; gone++) {
		struct dns_record new = address_of_number(1000 + gone, 4500);

		put(&new, 3, 9, START_MS);
		for (unsigned i = 0; i < CACHE_MAX; i++) {
			struct dns_record record = address_of_number(i, 1);

			assert_int_equal(
				knows(&record, 3), ttl_of(i) >= 100 + gone);
		}
		assert_true(knows(&new, 3));
	}
}

/* What was told long ago ends sooner than what has a shorter life since. */
static void cache_full_gives_up_the_old_not_the_short(void **state)
{
	int64_t later_ms = START_MS + 1000 * SECOND_MS;

	(void)state;
	cache_open(&cache, 1);
	for (unsigned i = 0; i < CACHE_MAX; i++) {
		bool old = i % 2 == 1;
		struct dns_record record =
			address_of_number(i, old ? 2000 + i : 1600 + i);

		put(&record, 3, i % 8, old ? START_MS : later_ms);
	}
	for (unsigned i = 0; i < CACHE_MAX / 2; i++) {
		struct dns_record old = address_of_number(2 * i + 1, 1);
		struct dns_record new = address_of_number(1000 + i, 4500);

		assert_true(knows(&old, 3));
		put(&new, 3, 16 + i % 8, later_ms);
		assert_false(knows(&old, 3));
		assert_true(knows(&new, 3));
	}
	assert_int_equal(count_of_numbers(1000, CACHE_MAX / 2), CACHE_MAX / 2);
	assert_int_equal(count_of_numbers(0, CACHE_MAX), CACHE_MAX / 2);
}

/*
 * Who has filled his share gives up what is his, though there is room, and
 * though others' ends sooner; who tells again what he told takes no room.
 */
static void cache_share_of_a_source_is_its_own(void **state)
{
	struct dns_record other = address_of("other.local", 2, 10);

	(void)state;
	cache_open(&cache, 1);
	put(&other, 3, 2, START_MS);
	for (unsigned i = 0; i < CACHE_SOURCE_MAX; i++) {
		struct dns_record record = address_of_number(i, 100 + i);

		put(&record, 3, 1, START_MS);
		assert_int_equal(count_of_numbers(0, i + 1), i + 1);
	}
	for (unsigned i = 0; i < CACHE_SOURCE_MAX; i++) {
		struct dns_record again = address_of_number(i, 100 + i);

		put(&again, 3, 1, START_MS);
	}
	assert_int_equal(
		count_of_numbers(0, CACHE_SOURCE_MAX), CACHE_SOURCE_MAX);
	for (unsigned i = 0; i < CACHE_SOURCE_MAX; i++) {
		struct dns_record first = address_of_number(i, 1);
		struct dns_record new = address_of_number(1000 + i, 4500);

		assert_true(knows(&first, 3));
		put(&new, 3, 1, START_MS);
		assert_false(knows(&first, 3));
		assert_true(knows(&new, 3));
		assert_int_equal(count_of_numbers(0, CACHE_SOURCE_MAX),
			CACHE_SOURCE_MAX - 1 - i);
	}
	assert_true(knows(&other, 3));
	/* Others still have room. */
	for (unsigned i = 0; i < CACHE_SOURCE_MAX - 1; i++) {
		struct dns_record record = address_of_number(2000 + i, 100);

		put(&record, 3, 2, START_MS);
	}
	assert_int_equal(
		count_of_numbers(1000, CACHE_SOURCE_MAX), CACHE_SOURCE_MAX);
	assert_true(knows(&other, 3));
}

/* What is forgotten takes no share. */
static void cache_share_is_of_what_is_there(void **state)
{
	(void)state;
	cache_open(&cache, 1);
	for (unsigned i = 0; i < CACHE_SOURCE_MAX; i++) {
		struct dns_record record = address_of_number(i, 4500);

		put(&record, 4, 1, START_MS);
	}
	cache_forget(&cache, 4);
	for (unsigned i = 0; i < CACHE_SOURCE_MAX; i++) {
		struct dns_record record = address_of_number(i, 100 + i);

		put(&record, 3, 1, START_MS);
		assert_int_equal(count_of_numbers(0, i + 1), i + 1);
	}
}

/*
 * 10.2: "all old records with that name, rrtype, and rrclass that were received
 * more than one second ago are declared invalid, and marked to expire from the
 * cache in one second".  What came by another interface is about another link.
 */
static void mdns_10_2_flushes_on_the_interface_it_came_by(void **state)
{
	struct dns_record old = address_of("bob.local", 1, 120);
	struct dns_record lately = address_of("bob.local", 2, 120);
	struct dns_record new = address_of("bob.local", 3, 120);
	struct dns_record other_name = address_of("carol.local", 1, 120);
	struct dns_record other_type = address_of("bob.local", 1, 120);
	int64_t now_ms = START_MS + 2000;

	(void)state;
	cache_open(&cache, 1);
	other_type.type = DNS_TXT;
	new.flush = true;
	put(&old, 3, 1, START_MS);
	put(&old, 4, 1, START_MS);
	put(&other_name, 3, 1, START_MS);
	put(&other_type, 3, 1, START_MS);
	put(&lately, 3, 1, now_ms - SECOND_MS);
	put(&new, 3, 2, now_ms);
	assert_false(cache_run(&cache, now_ms + SECOND_MS - 1));
	assert_true(knows(&old, 3));
	assert_int_equal(cache_next_ms(&cache), now_ms + SECOND_MS);
	assert_true(cache_run(&cache, now_ms + SECOND_MS));
	assert_false(knows(&old, 3));
	assert_true(knows(&old, 4));
	assert_true(knows(&lately, 3));
	assert_true(knows(&new, 3));
	assert_false(knows(&new, 4));
	assert_true(knows(&other_name, 3));
	assert_true(knows(&other_type, 3));
	assert_false(cache_run(&cache, now_ms + 60 * SECOND_MS));
	/* The same a millisecond later. */
	put(&new, 3, 2, now_ms + 1);
	assert_true(cache_run(&cache, now_ms + 1 + SECOND_MS));
	assert_false(knows(&lately, 3));
	assert_true(knows(&new, 3));
}

/* 10.1: nor does a goodbye end what was heard elsewhere. */
static void mdns_10_1_a_goodbye_is_of_the_interface_it_came_by(void **state)
{
	struct dns_record record = address_of("bob.local", 1, 120);
	struct dns_record goodbye = address_of("bob.local", 1, 0);

	(void)state;
	cache_open(&cache, 1);
	put(&record, 3, 1, START_MS);
	put(&record, 4, 1, START_MS);
	put(&goodbye, 5, 1, START_MS);
	put(&goodbye, 4, 1, START_MS);
	assert_false(knows(&record, 5));
	assert_false(cache_run(&cache, START_MS + SECOND_MS - 1));
	assert_true(cache_run(&cache, START_MS + SECOND_MS));
	assert_true(knows(&record, 3));
	assert_false(knows(&record, 4));
	cache_forget(&cache, 4);
	assert_true(knows(&record, 3));
	cache_forget(&cache, 3);
	assert_false(knows(&record, 3));
	assert_int_equal(cache_next_ms(&cache), INT64_MAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(cache_full_gives_up_what_ends_first),
		cmocka_unit_test(cache_full_gives_up_the_old_not_the_short),
		cmocka_unit_test(cache_share_of_a_source_is_its_own),
		cmocka_unit_test(cache_share_is_of_what_is_there),
		cmocka_unit_test(mdns_10_2_flushes_on_the_interface_it_came_by),
		cmocka_unit_test(
			mdns_10_1_a_goodbye_is_of_the_interface_it_came_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
