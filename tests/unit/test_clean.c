/* SPDX-License-Identifier: ISC */
/* Tests of clean.c: nothing from outside does anything but be read. */
#include "scratch.h"

#include "clean.h"

static void text_from_outside_is_cleaned(void **state)
{
	static const struct {
		const char *text;
		const char *shown;
		const char *json;
	} cases[] = {
		{ "hello", "hello", "hello" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f",
			"gr\xc3\xbc\xc3\x9f" },
		{ "\033[2J", "\\x1b[2J", "\\u001b[2J" },
		{ "a\nb\tc\rd", "a\\nb\\tc\\rd", "a\\nb\\tc\\rd" },
		{ "\a\b\v\f\177", "\\x07\\x08\\x0b\\x0c\\x7f",
			"\\u0007\\u0008\\u000b\\u000c\\u007f" },
		{ "\xc2\x9b"
		  "31m",
			"\\x9b"
			"31m",
			"\\u009b31m" },                     /* C1 as UTF-8 */
		{ "\x9b", "\xef\xbf\xbd", "\xef\xbf\xbd" }, /* C1 raw */
		{ "\xe2\x80\xa8|\xe2\x80\xa9", "\\u2028|\\u2029",
			"\\u2028|\\u2029" },
		{ "\xe2\x80\xae"
		  "abc",
			"abc",
			"\xe2\x80\xae"
			"abc" }, /* right-to-left override */
		{ "a\xe2\x80\x8b"
		  "b\xef\xbb\xbf",
			"ab",
			"a\xe2\x80\x8b"
			"b\xef\xbb\xbf" }, /* zero width */
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd",
			"\xef\xbf\xbd\xef\xbf\xbd" }, /* overlong */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
			"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf4\x90\x80\x80",
			"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
			"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd",
			"\xef\xbf\xbd\xef\xbf\xbd" }, /* cut short */
		{ "\xf0\x9f\x91\x8b", "\xf0\x9f\x91\x8b", "\xf0\x9f\x91\x8b" },
		{ "say \"\\\"", "say \"\\\"", "say \\\"\\\\\\\"" },
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (int json = 0; json < 2; json++) {
			struct writer w = writer_over(out, sizeof(out));
			const char *want =
				json ? cases[i].json : cases[i].shown;

			clean_text(
				&w, cases[i].text, strlen(cases[i].text), json);
			assert_int_equal(w.size, strlen(want));
			assert_memory_equal(out, want, w.size);
		}
	}
}

static void a_character_carries_at_most_four_marks(void **state)
{
	char text[2001] = "e", out[4096];
	struct writer w = writer_over(out, sizeof(out));

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		memcpy(text + 1 + 2 * i, "\xcc\x81", 2 - (i == 999));
	clean_text(&w, text, 1 + 2 * 900, false);
	assert_int_equal(w.size, 1 + 2 * 4);
}

static void any_bytes_become_at_most_six_times_as_many(void **state)
{
	uint8_t bytes[1024], out[6 * 1024];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		struct writer w = writer_over(out, sizeof(out));

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1103515245 + 12345;
			bytes[i] = (uint8_t)(seed >> 16);
		}
		clean_text(&w, bytes, sizeof(bytes), round % 2 == 0);
		assert_false(w.full);
		for (size_t i = 0; i < w.size; i++)
			assert_true(out[i] >= 0x20 && out[i] != 0x7f);
	}
}

static void columns_are_counted_as_terminals_do(void **state)
{
	static const struct {
		const char *text;
		int columns;
	} cases[] = { { "", 0 }, { "abc", 3 }, { "\xc3\xbc", 1 },
		{ "e\xcc\x81", 1 }, { "\xe6\x97\xa5\xe6\x9c\xac", 4 },
		{ "\xf0\x9f\x91\x8b", 2 }, { "\xff", 1 }, { "\x1b", 4 },
		{ "\n", 2 }, { "\xc2\x85", 4 }, { "\xe2\x80\xa8", 6 },
		{ "\xe2\x80\xae", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(
			clean_width(cases[i].text, strlen(cases[i].text)),
			cases[i].columns);
	assert_int_equal(clean_character_size("\xe6\x97\xa5z", 4), 3);
	assert_int_equal(clean_character_size("\xe6z", 2), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_from_outside_is_cleaned),
		cmocka_unit_test(a_character_carries_at_most_four_marks),
		cmocka_unit_test(any_bytes_become_at_most_six_times_as_many),
		cmocka_unit_test(columns_are_counted_as_terminals_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
