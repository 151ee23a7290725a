/* SPDX-License-Identifier: ISC */
/*
 * tag.h: the TXT record of a chat (RFC 6763, 6), which tells its room to those
 * who know the room already, and nobody else:
 *
 *	txtvers=1
 *	v=1		version of the protocol
 *	s=		salt: 8 random bytes, as 16 digits a-f 0-9
 *	t=		tag: the first 5 bytes of SHA-512("chat/mdns/1\0" || s ||
 *			room_id), as 10 digits
 */
#ifndef MDNS_TAG_H
#define MDNS_TAG_H

#include "mdns.h"
#include "mdns/dns.h"

/* Writes the data of our record, without s and t when room_id is NULL; returns
 * its size. 64 bytes are enough. */
uint8_t tag_text(uint8_t *data, size_t capacity, const uint8_t *salt,
	const uint8_t *room_id);

/* The room of somebody's record, seen from the room `room_id`. */
enum mdns_room tag_room(
	const struct dns_record *text, const uint8_t *room_id) MUST_USE;

#endif
