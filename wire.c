/* SPDX-License-Identifier: ISC */
/*
 * wire.c: one native link: a handshake, then messages in encrypted frames.
 *
 *	dialler D				acceptor A
 *	00
 *	D1 greeting: "chat1" mode 1 nonce 16	->
 *					<-	A1 greeting
 *	D2 noise message 1: e			->
 *					<-	A2 noise message 2: e, ee
 *					<-	auth_A, encrypted
 *	auth_D, encrypted			->
 *	messages, encrypted		<->	messages, encrypted
 *
 * FRAME.  All but the 00 are frames, whose length depends on the state:
 *
 *	length	2	big-endian, of the bytes that follow
 *			HELLO_D 22, NOISE 32 (D2) or 48 (A2), AUTH 17 .. 512,
 *			UP 17 .. 16,400
 *	bytes
 *
 * NOISE.  Noise_NN_25519_ChaChaPoly_SHA512, empty payloads, and as prologue
 *
 *	"chat/1" | lv(D1) | lv(A1) | lv("") | room_id		lv: length 2, bytes
 *
 * so that to whoever is in another room, or was told another greeting, A2 does
 * not decrypt, and no auth is good.  Mode 0 is an open room.  A closed one,
 * mode 1, will have CPace's public keys after A1's nonce and before D2, Ya in
 * the place of the lv(""), and NNpsk0: nothing of that is here yet.
 *
 * ENCRYPTED FRAMES.  Each direction has its key and counts its frames: the
 * count is the nonce, and after every WIRE_REKEY_FRAMES of them the key is
 * replaced (Noise, REKEY).  The first frame each way is an auth alone:
 *
 *	public key 32	signature 64	instance 8	version 2
 *	name length 1	name 1 .. 32	what later versions add, ignored
 *
 * with little-endian numbers.  The signature is by that key, of
 *
 *	"chat/auth/1\0" | 'D' or 'A' | the handshake's hash 64 | public key 32
 *
 * MESSAGES.  What the later frames carry, one after the other, is a stream; a
 * message in it may begin and end anywhere.
 *
 *	length	varint	of type and body: 1 .. 1 + MESSAGE_MAX
 *	type	1
 *	body
 *
 * Input is valid if and only if
 *	(1) an acceptor's first byte is 00, and frames have the lengths above,
 *	(2) a greeting begins with "chat1" and a mode that is known here,
 *	(3) no X25519 result is zero, and every frame is, decrypted, what the
 *	    other side encrypted under this number,
 *	(4) auth has a good signature, for the role that is not ours, and a
 *	    name as in record_name_decode,
 *	(5) messages have the lengths above, in the shortest form.
 *
 *	dialler				acceptor
 *	HELLO_D	put 00, D1		HELLO_D
 *	  | A1: put D2			  | 00, D1: put A1
 *	NOISE				NOISE
 *	  | A2				  | D2: put A2, auth_A
 *	AUTH				AUTH
 *	  | auth_A: put auth_D		  | auth_D
 *	UP	told as WIRE_PEER	UP	told as WIRE_PEER
 *
 *	any state, anything that is not valid -> DEAD, told as WIRE_BROKEN
 *
 * Invariants:
 *	1. state == WIRE_DEAD ==> no byte of `in` is looked at any more, and
 *	   nothing is sent: bad input has no answer.
 *	2. state != WIRE_UP ==> all memory in use is inside struct wire.
 *	3. Every whole frame that is valid fits into `in`; all that is sent
 *	   before wire_grow fits into `early_out`.
 *	4. No whole message waits in `stream` ==> one more frame fits there.
 *	5. `out` has room for `frame`, sealed: wire_seal can not fail.
 *	6. A nonce is used once under a key, a random byte for one purpose, and
 *	   both ephemeral keys are gone before the first encrypted frame.
 *
 * This file does not decide whom to link with, nor when silence is too long:
 * mesh.c does.
 */
#include "wire.h"
#include "crypto/crypto.h"

enum {
	MODE_OPEN = 0,
	MAGIC_SIZE = 5,
	GREETING_NONCE_SIZE = 16,
	GREETING_SIZE = MAGIC_SIZE + 1 + GREETING_NONCE_SIZE,
	PROLOGUE_SIZE = 6 + 3 * 2 + 2 * GREETING_SIZE + RECORD_ID_SIZE,
	HEAD_SIZE = 2,                               /* of a frame */
	AUTH_MAX = 32 + 64 + 8 + 2 + 1 + LIMIT_NAME, /* of one of ours */
	AUTH_SIGNED_SIZE = 12 + 1 + NOISE_HASH_SIZE + RECORD_KEY_SIZE,
	LENGTH_MAX = 3, /* bytes of a message's length */
	CIPHER_MIN = 1 + NOISE_TAG_SIZE
};

static const char bad_length[] = "it sent a frame of an impossible length";
static const char bad_room[] =
	"it is in another room, or speaks another version";
static const char bad_cipher[] = "it sent a frame that does not decrypt";
static const char bad_auth[] = "it did not prove who it is";

/* Invariant 1 begins here. */
static bool wire_break(struct wire *w, const char *complaint)
{
	w->state = WIRE_DEAD;
	w->complaint = complaint;
	fifo_drop(&w->out, fifo_size(&w->out));
	w->frame_size = 0;
	return false;
}

/* Frames. */

/* Is the first byte of `in` the 00 before D1? */
static bool first_byte_comes(const struct wire *w)
{
	return w->role == WIRE_ACCEPTOR && w->state == WIRE_HELLO_D;
}

/*
 * Takes the next whole frame out of `in`, where its bytes stay until more are
 * put there.
 */
static bool frame_ready(
	struct wire *w, size_t least, size_t most, struct reader *frame)
{
	struct reader r = reader_over(fifo_head(&w->in), fifo_size(&w->in));
	size_t size;

	if (first_byte_comes(w) && read_u8(&r) != 0)
		return wire_break(w, "it speaks another protocol");
	size = read_be16(&r);
	if (r.bad)
		return false;
	if (size < least || size > most)
		return wire_break(w, bad_length);
	*frame = read_part(&r, size);
	if (frame->bad)
		return false;
	fifo_drop(&w->in, fifo_size(&w->in) - r.left);
	return true;
}

bool wire_is_mid_frame(const struct wire *w)
{
	struct reader r = reader_over(fifo_head(&w->in), fifo_size(&w->in));

	if (r.left == 0)
		return false;
	if (first_byte_comes(w))
		(void)read_u8(&r);
	(void)read_bytes(&r, read_be16(&r));
	return r.bad;
}

uint64_t wire_frames(const struct wire *w)
{
	return w->receive.nonce;
}

/* Room in `out` for the bytes of a frame, which must fit. */
static uint8_t *put_frame(struct wire *w, size_t size)
{
	uint8_t *tail = fifo_tail(&w->out);
	struct writer writer = writer_over(tail, fifo_room(&w->out));
	uint8_t *bytes;

	write_be16(&writer, (uint16_t)size);
	bytes = write_room(&writer, size);
	assert(bytes != NULL);
	fifo_added(&w->out, writer.size);
	return bytes;
}

/* After a frame went through it. */
static void cipher_age(struct noise_cipher *c)
{
	if (c->nonce % WIRE_REKEY_FRAMES == 0)
		noise_rekey(c);
}

static void put_sealed(struct wire *w, const uint8_t *plain, size_t size)
{
	uint8_t *to = put_frame(w, size + NOISE_TAG_SIZE);

	noise_encrypt(&w->send, to, plain, size);
	cipher_age(&w->send);
}

static bool frame_open(struct wire *w, struct reader frame, uint8_t *plain)
{
	if (!noise_decrypt(&w->receive, plain, frame.at, frame.left))
		return wire_break(w, bad_cipher);
	cipher_age(&w->receive);
	return true;
}

/* The handshake. */

/* The random bytes: first the ephemeral key, then the nonce. */
static void greeting_encode(const struct wire *w, uint8_t to[GREETING_SIZE])
{
	struct writer writer = writer_over(to, GREETING_SIZE);

	write_bytes(&writer, "chat1", MAGIC_SIZE);
	write_u8(&writer, MODE_OPEN);
	write_bytes(&writer, w->secret + NOISE_KEY_SIZE, GREETING_NONCE_SIZE);
	assert(writer.size == GREETING_SIZE);
}

static void write_lv(struct writer *w, const void *bytes, size_t size)
{
	write_be16(w, (uint16_t)size);
	write_bytes(w, bytes, size);
}

/* With both greetings known, the noise messages can begin. */
static void noise_begin(struct wire *w, const uint8_t theirs[GREETING_SIZE])
{
	bool dials = w->role == WIRE_DIALLER;
	uint8_t ours[GREETING_SIZE];
	uint8_t prologue[PROLOGUE_SIZE];
	struct writer writer = writer_over(prologue, sizeof(prologue));

	greeting_encode(w, ours);
	write_bytes(&writer, "chat/1", 6);
	write_lv(&writer, dials ? ours : theirs, GREETING_SIZE);
	write_lv(&writer, dials ? theirs : ours, GREETING_SIZE);
	write_lv(&writer, NULL, 0);
	write_bytes(&writer, w->self->room_id, RECORD_ID_SIZE);
	assert(writer.size == PROLOGUE_SIZE && !writer.full);
	noise_start(&w->noise, dials, NULL, prologue, sizeof(prologue));
}

/* The first noise message is a key alone, the second has a tag as well. */
static size_t noise_size(const struct wire *w)
{
	return X25519_SIZE + (w->noise.message == 1 ? 0 : NOISE_TAG_SIZE);
}

static bool put_noise(struct wire *w)
{
	uint8_t *to = put_frame(w, noise_size(w));
	bool good = noise_write(&w->noise, w->secret, to, NULL, 0);

	secret_wipe(w->secret, sizeof(w->secret));
	return good || wire_break(w, "it sent a key of small order");
}

static bool next_greeting(struct wire *w)
{
	struct reader frame, r;
	const uint8_t *magic;
	uint8_t mode;

	if (!frame_ready(w, 1, LIMIT_HANDSHAKE_SIZE, &frame))
		return false;
	r = frame;
	magic = read_bytes(&r, MAGIC_SIZE);
	mode = read_u8(&r);
	if (r.bad || memcmp(magic, "chat1", MAGIC_SIZE) != 0)
		return wire_break(w, "it speaks another protocol");
	if (mode != MODE_OPEN)
		return wire_break(w, bad_room);
	if (frame.left != GREETING_SIZE)
		return wire_break(w, bad_length);
	noise_begin(w, frame.at);
	if (w->role == WIRE_ACCEPTOR)
		greeting_encode(w, put_frame(w, GREETING_SIZE));
	else if (!put_noise(w))
		return false;
	w->state = WIRE_NOISE;
	return true;
}

static void auth_signed(const struct wire *w, enum wire_role role,
	const uint8_t public_key[RECORD_KEY_SIZE], uint8_t to[AUTH_SIGNED_SIZE])
{
	struct writer writer = writer_over(to, AUTH_SIGNED_SIZE);

	write_bytes(&writer, "chat/auth/1", 12); /* with its NUL */
	write_u8(&writer, role == WIRE_DIALLER ? 'D' : 'A');
	write_bytes(&writer, w->hash, sizeof(w->hash));
	write_bytes(&writer, public_key, RECORD_KEY_SIZE);
	assert(writer.size == AUTH_SIGNED_SIZE && !writer.full);
}

static void put_auth(struct wire *w)
{
	const struct wire_self *self = w->self;
	uint8_t message[AUTH_SIGNED_SIZE], plain[AUTH_MAX];
	uint8_t signature[RECORD_SIGNATURE_SIZE];
	struct writer writer = writer_over(plain, sizeof(plain));
	size_t name_size = strlen(self->name);

	auth_signed(w, w->role, self->key->public_key, message);
	ed25519_sign(signature, self->key, message, sizeof(message));
	write_bytes(&writer, self->key->public_key, RECORD_KEY_SIZE);
	write_bytes(&writer, signature, sizeof(signature));
	write_le64(&writer, self->instance);
	write_le16(&writer, WIRE_VERSION);
	write_u8(&writer, (uint8_t)name_size);
	write_bytes(&writer, self->name, name_size);
	assert(!writer.full);
	put_sealed(w, plain, writer.size);
}

static bool next_noise(struct wire *w)
{
	size_t size = noise_size(w);
	struct reader frame;

	if (!frame_ready(w, size, size, &frame))
		return false;
	if (!noise_read(&w->noise, NULL, frame.at, frame.left))
		return wire_break(w, bad_room);
	if (w->role == WIRE_ACCEPTOR && !put_noise(w))
		return false;
	noise_split(&w->noise, &w->send, &w->receive, w->hash);
	if (w->role == WIRE_ACCEPTOR)
		put_auth(w);
	w->state = WIRE_AUTH;
	return true;
}

static bool auth_decode(struct wire *w, struct reader r)
{
	enum wire_role role =
		w->role == WIRE_DIALLER ? WIRE_ACCEPTOR : WIRE_DIALLER;
	struct wire_peer *peer = &w->peer;
	uint8_t signature[RECORD_SIGNATURE_SIZE];
	uint8_t message[AUTH_SIGNED_SIZE];
	struct reader name;

	read_copy(&r, peer->public_key, sizeof(peer->public_key));
	read_copy(&r, signature, sizeof(signature));
	peer->instance = read_le64(&r);
	peer->version = read_le16(&r);
	name = read_part(&r, read_u8(&r));
	if (r.bad || !record_name_decode(name, peer->name))
		return false;
	auth_signed(w, role, peer->public_key, message);
	return ed25519_verify_vartime(
		signature, peer->public_key, message, sizeof(message));
}

static bool next_auth(struct wire *w, struct wire_event *event)
{
	uint8_t plain[LIMIT_HANDSHAKE_SIZE];
	struct reader frame;

	if (!frame_ready(w, CIPHER_MIN, LIMIT_HANDSHAKE_SIZE, &frame) ||
		!frame_open(w, frame, plain))
		return false;
	if (!auth_decode(w, reader_over(plain, frame.left - NOISE_TAG_SIZE)))
		return wire_break(w, bad_auth);
	if (w->role == WIRE_DIALLER)
		put_auth(w);
	w->state = WIRE_UP;
	event->kind = WIRE_PEER;
	return true;
}

/* Messages. */

/* The next whole one in `stream`; consumed by the next call of wire_next. */
static bool message_ready(struct wire *w, struct wire_event *event)
{
	size_t waiting = fifo_size(&w->stream);
	size_t here = waiting < LENGTH_MAX ? waiting : LENGTH_MAX;
	struct reader r = reader_over(fifo_head(&w->stream), here);
	uint64_t length = read_varint(&r);
	struct reader message;

	if (r.bad && here < LENGTH_MAX)
		return false;
	if (r.bad || length == 0 || length > 1 + MESSAGE_MAX)
		return wire_break(
			w, "it sent a message of an impossible length");
	r = reader_over(fifo_head(&w->stream), waiting);
	(void)read_varint(&r);
	message = read_part(&r, (size_t)length);
	if (r.bad)
		return false;
	event->kind = WIRE_MESSAGE;
	event->type = read_u8(&message);
	event->body = message;
	w->consumed = waiting - r.left;
	return true;
}

/* Decrypts no more frames than the next message needs (invariant 4). */
static bool next_message(struct wire *w, struct wire_event *event)
{
	struct reader frame;

	if (w->frame == NULL)
		return false;
	while (!message_ready(w, event)) {
		if (w->state == WIRE_DEAD ||
			!frame_ready(w, CIPHER_MIN, WIRE_CIPHER_MAX, &frame))
			return false;
		assert(fifo_room(&w->stream) >= WIRE_PLAIN_MAX);
		if (!frame_open(w, frame, fifo_tail(&w->stream)))
			return false;
		fifo_added(&w->stream, frame.left - NOISE_TAG_SIZE);
	}
	return true;
}

/*
 * How many bytes of messages can be collected beyond those in `frame`, so that
 * all of them still fit into `out` once they are sealed.
 */
static size_t plain_room(const struct wire *w)
{
	enum { WHOLE = HEAD_SIZE + WIRE_CIPHER_MAX };
	size_t room = fifo_room(&w->out);
	size_t last = room % WHOLE;
	size_t plain = room / WHOLE * WIRE_PLAIN_MAX;

	if (last > HEAD_SIZE + NOISE_TAG_SIZE)
		plain += last - HEAD_SIZE - NOISE_TAG_SIZE;
	return plain - w->frame_size;
}

static void collect(struct wire *w, struct reader r)
{
	while (r.left > 0) {
		size_t room = WIRE_PLAIN_MAX - w->frame_size;
		size_t size = r.left < room ? r.left : room;

		read_copy(&r, w->frame + w->frame_size, size);
		w->frame_size += size;
		if (w->frame_size == WIRE_PLAIN_MAX)
			wire_seal(w);
	}
}

/* What wire.h offers. */

void wire_open(struct wire *w, enum wire_role role,
	const struct wire_self *self, const uint8_t random[WIRE_RANDOM_SIZE])
{
	memset(w, 0, sizeof(*w));
	w->in = fifo_over(w->early_in, sizeof(w->early_in));
	w->out = fifo_over(w->early_out, sizeof(w->early_out));
	w->state = WIRE_HELLO_D;
	w->role = role;
	w->self = self;
	memcpy(w->secret, random, sizeof(w->secret));
	if (role != WIRE_DIALLER)
		return;
	*fifo_tail(&w->out) = 0;
	fifo_added(&w->out, 1);
	greeting_encode(w, put_frame(w, GREETING_SIZE));
}

void wire_close(struct wire *w)
{
	if (w->frame != NULL) {
		secret_wipe(w->stream.bytes, w->stream.capacity);
		secret_wipe(w->frame, WIRE_PLAIN_MAX);
	}
	secret_wipe(w, sizeof(*w));
}

static void fifo_move(struct fifo *f, uint8_t *to, size_t capacity)
{
	size_t size = fifo_size(f);

	memcpy(to, fifo_head(f), size);
	*f = fifo_over(to, capacity);
	fifo_added(f, size);
}

void wire_grow(struct wire *w, struct wire_buffers *buffers)
{
	assert(w->state == WIRE_UP && w->frame == NULL);
	fifo_move(&w->in, buffers->in, sizeof(buffers->in));
	fifo_move(&w->out, buffers->out, sizeof(buffers->out));
	w->stream = fifo_over(buffers->stream, sizeof(buffers->stream));
	w->frame = buffers->frame;
}

static bool next_by_state(struct wire *w, struct wire_event *event)
{
	switch (w->state) {
	case WIRE_HELLO_D:
		return next_greeting(w) && next_noise(w) && next_auth(w, event);
	case WIRE_NOISE:
		return next_noise(w) && next_auth(w, event);
	case WIRE_AUTH:
		return next_auth(w, event);
	case WIRE_UP:
		return next_message(w, event);
	case WIRE_DEAD:
		return false;
	}
	return false;
}

bool wire_next(struct wire *w, struct wire_event *event)
{
	memset(event, 0, sizeof(*event));
	fifo_drop(&w->stream, w->consumed);
	w->consumed = 0;
	if (next_by_state(w, event))
		return true;
	if (w->complaint == NULL)
		return false;
	event->kind = WIRE_BROKEN;
	event->text = w->complaint;
	w->complaint = NULL;
	return true;
}

bool wire_put(
	struct wire *w, enum message_type type, const void *body, size_t size)
{
	uint8_t head[LENGTH_MAX + 1];
	struct writer writer = writer_over(head, sizeof(head));

	assert(size <= MESSAGE_MAX);
	write_varint(&writer, 1 + size);
	write_u8(&writer, (uint8_t)type);
	if (w->frame == NULL || w->state != WIRE_UP ||
		plain_room(w) < writer.size + size)
		return false;
	collect(w, reader_over(head, writer.size));
	collect(w, reader_over(body, size));
	return true;
}

size_t wire_room(const struct wire *w)
{
	size_t room;

	if (w->frame == NULL || w->state != WIRE_UP)
		return 0;
	room = plain_room(w);
	if (room <= LENGTH_MAX + 1)
		return 0;
	room -= LENGTH_MAX + 1;
	return room < MESSAGE_MAX ? room : MESSAGE_MAX;
}

void wire_seal(struct wire *w)
{
	if (w->frame_size > 0)
		put_sealed(w, w->frame, w->frame_size);
	w->frame_size = 0;
}

bool wire_is_empty(const struct wire *w)
{
	return fifo_size(&w->out) == 0 && w->frame_size == 0;
}
