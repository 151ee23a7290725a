/* SPDX-License-Identifier: ISC */
/*
 * limit.h: how much of anything others may make us take, keep or do, and what
 * happens at the limit.  What a module takes for its own work stands in its own
 * header.
 */
#ifndef LIMIT_H
#define LIMIT_H

enum {
	/* Links.  A peer beyond LIMIT_LINKS displaces the newest link, neither
	 * named nor verified, of the address that has most; with none such it
	 * is refused. */
	LIMIT_LINKS = 64,
	LIMIT_DIALS = 8,          /* under way at one time; others wait */
	LIMIT_LINKS_DIALLED = 32, /* then only named peers are dialled */
	LIMIT_DIALS_TOLD = 4, /* beside these, where others say that somebody
				 is, or somebody was: others wait, */
	LIMIT_DIALS_TOLD_A_MINUTE = 8, /* as they do for this */
	LIMIT_LINKS_A_KEY = 4,         /* one more is refused */
	LIMIT_HALF_OPEN = 16, /* the oldest of the address with most goes */
	LIMIT_FIRST_BYTE_MS = 2 * 1000, /* closed, as all that follow here */
	LIMIT_HANDSHAKE_MS = 5 * 1000,  /* from connecting to both auths */
	LIMIT_HANDSHAKE_SIZE = 512,     /* of a frame before that */
	LIMIT_FRAME_SIZE = 16400,       /* of one after it, encrypted */
	LIMIT_FRAME_MS = 10 * 1000,     /* a frame once begun */
	LIMIT_MESSAGE_SIZE = 67584,     /* of a message in frames */
	LIMIT_PING_MS = 30 * 1000,      /* of silence: a Ping is sent */
	LIMIT_SILENCE_MS = 90 * 1000,   /* of silence, or of taking nothing */
	LIMIT_OLDER_MS = 2 * 1000, /* for an older link to answer, when there is
				      a newer one of the same key */
	LIMIT_OUT_SIZE = 256 * 1024, /* a link's waiting bytes; records stay in
					the log until there is room */
	LIMIT_ADDRESSES_TOLD = 32, /* of others, by a neighbour; more break the
				      link */

	/* Strikes, within LIMIT_STRIKES_MS of the first.  Then: refused for as
	 * long after the last. */
	LIMIT_STRIKES_ADDRESS = 12, /* before auth, by address */
	LIMIT_STRIKES_KEY = 3,      /* after it, by key */
	LIMIT_STRIKES_MS = 10 * 60 * 1000,

	/* Records.  Larger ones make their batch bad: it is refused whole, and
	 * counts as a strike. */
	LIMIT_TEXT = 4096,
	LIMIT_PAYLOAD = 8192,
	LIMIT_BATCH_RECORDS = 256,
	LIMIT_BATCH_SIZE = 64 * 1024, /* encoded, with 128 bytes for its head;
					 more breaks the link */
	LIMIT_NAME = 32,              /* bytes of a person's or room's name */

	/* Logs.  Further ones are counted and asked for again later. */
	LIMIT_LOGS = 10000,
	LIMIT_LOGS_KEPT = 1000,  /* of them for authors linked first-hand */
	LIMIT_LOGS_BUCKET = 256, /* new ones by address, of neighbours and of
				    others apart; then */
	LIMIT_LOGS_REFILL = 32,  /* so many every LIMIT_LOGS_REFILL_MS */
	LIMIT_LOGS_REFILL_MS = 10 * 60 * 1000,
	LIMIT_LOGS_FREE_MS = 60 * 60 * 1000, /* from the first link of a new
						database they are not counted */
	LIMIT_EPOCHS = 16, /* logs of one key; further ones are ignored */
	LIMIT_DIGEST_ENTRIES = 1024, /* of one message; more break the link */
	LIMIT_PINS = 10000, /* then new names are shown with their suffix */

	/* Time in records may be ahead of our clock by so much, or our own
	 * does not follow it; if it is our own that is ahead, a new epoch
	 * begins, unless LIMIT_EPOCHS / 2 are there. */
	LIMIT_AHEAD_MS = 5 * 60 * 1000,

	/* How long others are asked for records of ours before we say anything
	 * (prevention of forks): everybody, for what they have; those who have
	 * said to have more, again from each that comes, and all of them; and
	 * all when we know ourselves that there was more. */
	LIMIT_ASK_MS = 1500,
	LIMIT_ASK_CLAIMED_MS = 5 * 1000,
	LIMIT_ASK_LONGEST_MS = 60 * 1000,
	LIMIT_ASK_DAMAGED_MS = 10 * 1000,

	/* The disk.  With less room than this, or than one part in so many of
	 * it, what others send is not taken, links stay, and our own words go
	 * on until a write fails. */
	LIMIT_RESERVE_SIZE = 64 * 1024 * 1024,
	LIMIT_RESERVE_PART = 16,
	LIMIT_RESERVE_MS = 5 * 1000, /* between two looks */

	/* Multicast DNS, a second: packets of answers, of which half are kept
	 * for the group, and more wait; questions: more are not read. */
	LIMIT_MDNS_ANSWERS = 20,
	LIMIT_MDNS_QUESTIONS = 200,

	/* Legacy links.  Who does not answer natively is asked in the
	 * original's words after a while (L6); it tells its heads in time, or
	 * is closed, as with a longer address (L9). */
	LIMIT_LEGACY_MS = 2 * 1000,
	LIMIT_LEGACY_HEADS_MS = 30 * 1000,
	LIMIT_LEGACY_ADDRESS = 255,

	/* L8: what is more is not taken. */
	LIMIT_LEGACY_IDS = 64,
	LIMIT_LEGACY_BYTES = 10 * 1024 * 1024,
	LIMIT_LEGACY_RECORDS_PER_S = 32
};

/* The greatest number of a record; then its author begins a new epoch. */
#define LIMIT_SEQ ((uint64_t)UINT32_MAX - 1)

/* Bytes of records kept of one log, and of a room: what is more is not asked
 * for, with a line. */
#define LIMIT_LOG_BYTES  ((uint64_t)1 << 30)
#define LIMIT_ROOM_BYTES ((uint64_t)10 << 30)

#endif
