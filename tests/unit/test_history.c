/* SPDX-License-Identifier: ISC */
/* The history of a room, of unsigned logs; test_room.c has signed ones. */
#include "scratch.h"
#include "testing.h"

#include "history.h"

enum { LOGS = 3, LENGTH = 30, ALL = LOGS * LENGTH };

static const uint8_t room_id[RECORD_ID_SIZE] = "any";

static void append(struct log *log, uint8_t author, uint64_t time_ms)
{
	uint8_t key[LOG_KEY_SIZE] = { author };
	uint8_t bytes[RECORD_UNSIGNED_HEADER_SIZE + 1];
	struct log_record stored = { key, 0, bytes, 0 };
	struct record record = { .time_ms = time_ms,
		.type = RECORD_TEXT,
		.payload = reader_over("x", 1) };

	stored.size = record_encode(&record, bytes);
	stored.seq = log_head(log, log_find(log, key)) + 1;
	assert_int_equal(log_append(log, &stored), 0);
}

static uint64_t place_of(struct room *room, const struct history_entry *entry)
{
	return entry->seq * 256 + room_log(room, entry->number)->log.id[0];
}

static void history_is_in_the_order_of_time_id_and_seq(void **state)
{
	struct scratch s;
	struct room_options options = { .room_id = room_id };
	struct history_entry entry;
	struct history *h;
	struct room *room;
	struct log *log;
	uint64_t forward[ALL];
	int count = 0;

	(void)state;
	scratch_make(&s);
	options.dir_fd = s.fd;
	log = log_open(s.fd);
	assert_non_null(log);
	for (int i = 0; i < ALL; i++) /* later authors were earlier */
		append(log, (uint8_t)(i / LENGTH), (uint64_t)(i % LENGTH) / 2);
	assert_int_equal(log_commit(log, 0), 0);
	room = room_open(&options, log);
	assert_non_null(room);
	h = history_open(room);
	assert_non_null(h);
	assert_false(history_next(h, &entry)); /* it begins at the end */
	history_rewind(h);
	assert_false(history_previous(h, &entry));
	while (history_next(h, &entry)) {
		assert_int_equal(entry.record.time_ms, count / 6);
		assert_int_equal(
			place_of(room, &entry) % 256, count / 2 % LOGS);
		assert_int_equal(entry.record.payload.left, 1);
		forward[count++] = place_of(room, &entry);
	}
	assert_int_equal(count, ALL);
	while (history_previous(h, &entry))
		assert_int_equal(place_of(room, &entry), forward[--count]);
	assert_int_equal(count, 0);
	history_close(h);
	h = history_open(room);
	for (int i = 0; i < 7; i++)
		assert_true(history_previous(h, &entry));
	for (int i = 0; i < 7; i++) {
		assert_true(history_next(h, &entry));
		assert_int_equal(place_of(room, &entry), forward[ALL - 7 + i]);
	}
	assert_false(history_next(h, &entry));
	history_close(h);
	room_close(room);
	log_close(log);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(history_is_in_the_order_of_time_id_and_seq),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
