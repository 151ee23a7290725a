/* SPDX-License-Identifier: ISC */
/* Bounded cursors: golden bytes, every cut, every overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bytes.h"

static void reader_yields_both_byte_orders(void **state)
{
	static const uint8_t bytes[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06,
		0x07, 0x08 };
	struct reader r = reader_over(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(read_u8(&r), 0x01);
	assert_int_equal(read_be16(&r), 0x0203);
	assert_int_equal(read_le16(&r), 0x0504);
	r = reader_over(bytes, sizeof(bytes));
	assert_int_equal(read_be32(&r), 0x01020304);
	assert_int_equal(read_le32(&r), 0x08070605);
	r = reader_over(bytes, sizeof(bytes));
	assert_true(read_le64(&r) == 0x0807060504030201);
	assert_false(r.bad);
	assert_int_equal(r.left, 0);
}

static void reader_that_ran_dry_stays_bad_and_yields_zeros(void **state)
{
	static const uint8_t bytes[] = { 0xff, 0xff, 0xff };
	uint8_t copy[4] = { 1, 1, 1, 1 };
	struct reader r = reader_over(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(read_be32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(read_u8(&r), 0);
	assert_null(read_bytes(&r, 0));
	read_copy(&r, copy, sizeof(copy));
	assert_int_equal(copy[0] | copy[1] | copy[2] | copy[3], 0);
	assert_true(read_part(&r, 1).bad);
}

static void reader_sizes_near_the_limit_do_not_wrap(void **state)
{
	uint8_t byte = 0;
	struct reader r = reader_over(&byte, 1);

	(void)state;
	assert_null(read_bytes(&r, SIZE_MAX));
	assert_true(r.bad);
}

static void part_ends_before_its_reader(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct reader r = reader_over(bytes, sizeof(bytes));
	struct reader part = read_part(&r, 2);

	(void)state;
	assert_int_equal(read_be16(&part), 0x0102);
	assert_int_equal(read_u8(&part), 0);
	assert_true(part.bad);
	assert_int_equal(read_u8(&r), 3);
	assert_false(r.bad);
}

static const struct {
	uint64_t value;
	size_t size;
	uint8_t bytes[10];
} varints[] = {
	{ 0, 1, { 0x00 } },
	{ 127, 1, { 0x7f } },
	{ 128, 2, { 0x80, 0x01 } },
	{ 300, 2, { 0xac, 0x02 } },
	{ UINT32_MAX, 5, { 0xff, 0xff, 0xff, 0xff, 0x0f } },
	{ UINT64_MAX, 10,
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0x01 } },
};

static void varints_have_golden_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(varints) / sizeof(varints[0]); i++) {
		uint8_t bytes[10];
		struct writer w = writer_over(bytes, sizeof(bytes));
		struct reader r;

		write_varint(&w, varints[i].value);
		assert_int_equal(w.size, varints[i].size);
		assert_int_equal(varint_size(varints[i].value), w.size);
		assert_memory_equal(bytes, varints[i].bytes, w.size);
		r = reader_over(bytes, w.size);
		assert_true(read_varint(&r) == varints[i].value);
		assert_false(r.bad);
		for (size_t cut = 0; cut < w.size; cut++) {
			r = reader_over(bytes, cut);
			assert_int_equal(read_varint(&r), 0);
			assert_true(r.bad);
		}
	}
}

static void varints_have_one_spelling(void **state)
{
	static const struct {
		size_t size;
		uint8_t bytes[11];
	} bad[] = {
		{ 2, { 0x80, 0x00 } },
		{ 3, { 0xff, 0x80, 0x00 } },
		{ 10, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			      0x02 } },
		{ 11, { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
			      0x80, 0x01 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct reader r = reader_over(bad[i].bytes, bad[i].size);

		assert_int_equal(read_varint(&r), 0);
		assert_true(r.bad);
	}
}

static void writer_has_golden_bytes(void **state)
{
	static const uint8_t golden[] = { 1, 2, 3, 4, 5, 6, 7, 3, 2, 7, 6, 5, 4,
		8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 'x' };
	uint8_t bytes[sizeof(golden)];
	struct writer w = writer_over(bytes, sizeof(bytes));

	(void)state;
	write_u8(&w, 1);
	write_be16(&w, 0x0203);
	write_be32(&w, 0x04050607);
	write_le16(&w, 0x0203);
	write_le32(&w, 0x04050607);
	write_le64(&w, 0x0102030405060708);
	write_zeros(&w, 2);
	write_bytes(&w, "x", 1);
	assert_false(w.full);
	assert_int_equal(w.size, sizeof(golden));
	assert_memory_equal(bytes, golden, sizeof(golden));
}

static void writer_that_is_full_stays_full_and_writes_nothing(void **state)
{
	uint8_t bytes[4] = { 9, 9, 9, 9 };
	struct writer w = writer_over(bytes, 3);

	(void)state;
	write_be32(&w, 1);
	assert_true(w.full);
	write_u8(&w, 1);
	assert_int_equal(w.size, 0);
	assert_null(write_room(&w, SIZE_MAX));
	for (int i = 0; i < 4; i++)
		assert_int_equal(bytes[i], 9);
}

static void fifo_keeps_order_and_moves_to_the_front(void **state)
{
	uint8_t memory[4];
	struct fifo f = fifo_over(memory, sizeof(memory));

	(void)state;
	memcpy(fifo_tail(&f), "abcd", 4);
	fifo_added(&f, 4);
	assert_int_equal(fifo_room(&f), 0);
	fifo_drop(&f, 3);
	assert_int_equal(fifo_room(&f), 3);
	memcpy(fifo_tail(&f), "ef", 2);
	fifo_added(&f, 2);
	assert_int_equal(fifo_size(&f), 3);
	assert_memory_equal(fifo_head(&f), "def", 3);
	fifo_drop(&f, 3);
	assert_int_equal(f.start, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_yields_both_byte_orders),
		cmocka_unit_test(
			reader_that_ran_dry_stays_bad_and_yields_zeros),
		cmocka_unit_test(reader_sizes_near_the_limit_do_not_wrap),
		cmocka_unit_test(part_ends_before_its_reader),
		cmocka_unit_test(varints_have_golden_bytes),
		cmocka_unit_test(varints_have_one_spelling),
		cmocka_unit_test(writer_has_golden_bytes),
		cmocka_unit_test(
			writer_that_is_full_stays_full_and_writes_nothing),
		cmocka_unit_test(fifo_keeps_order_and_moves_to_the_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
