/* SPDX-License-Identifier: ISC */
/*
 * tag.c: the TXT record of a chat, and the salted tag of its room in it.
 */
#include "mdns/tag.h"
#include "crypto/crypto.h"

/* The digits of a tag are small: another spelling is another tag. */
static bool digits_read(struct reader text, uint8_t *to, size_t size)
{
	if (text.left != 2 * size)
		return false;
	read_hex(&text, to, size);
	return !text.bad;
}

static void tag_make(
	const uint8_t *salt, const uint8_t *room_id, uint8_t tag[MDNS_TAG_SIZE])
{
	struct sha512 s;

	sha512_begin(&s);
	sha512_add(&s, "chat/mdns/1", 12); /* with its NUL */
	sha512_add(&s, salt, MDNS_SALT_SIZE);
	sha512_add(&s, room_id, MDNS_ROOM_SIZE);
	sha512_end(&s, tag, MDNS_TAG_SIZE);
}

enum mdns_room tag_room(const struct dns_record *text, const uint8_t *room_id)
{
	uint8_t salt[MDNS_SALT_SIZE] = { 0 }, tag[MDNS_TAG_SIZE] = { 0 };
	uint8_t ours[MDNS_TAG_SIZE];
	struct reader value;

	if (room_id == NULL || !dns_text_find(text, "s", &value) ||
		!digits_read(value, salt, sizeof(salt)) ||
		!dns_text_find(text, "t", &value) ||
		!digits_read(value, tag, sizeof(tag)))
		return MDNS_ROOM_UNKNOWN;
	tag_make(salt, room_id, ours);
	return memcmp(tag, ours, sizeof(tag)) == 0 ? MDNS_ROOM_OURS
						   : MDNS_ROOM_OTHER;
}

uint8_t tag_text(uint8_t *data, size_t capacity, const uint8_t *salt,
	const uint8_t *room_id)
{
	struct writer w = writer_over(data, capacity);
	uint8_t tag[MDNS_TAG_SIZE];

	write_bytes(&w, "\011txtvers=1\003v=1", 14);
	if (room_id != NULL) {
		tag_make(salt, room_id, tag);
		write_bytes(&w, "\022s=", 3);
		write_hex(&w, salt, MDNS_SALT_SIZE);
		write_bytes(&w, "\014t=", 3);
		write_hex(&w, tag, sizeof(tag));
	}
	assert(!w.full);
	return (uint8_t)w.size;
}
