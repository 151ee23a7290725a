# chat: serverless LAN chat.  `make` builds ./chat; `make help` lists the rest.
# GNU make 3.81 or newer (on the BSDs: gmake).

PREFIX = /usr/local
CC = cc

OBJECTS = chat options term clean show people mesh wire mdns iface resolve log
TESTS = bytes wire log mdns mesh people clean term options chat
FUZZERS = wire mdns

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
	-Wwrite-strings -Wformat=2 -Wundef -Wvla -Wnull-dereference \
	-Wimplicit-fallthrough -Wswitch-enum
STANDARD = -std=c11 -D_POSIX_C_SOURCE=200809L
RELEASE = -O2 -g -fstack-protector-strong -fPIE \
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
SANITIZE = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
CFLAGS =
LDFLAGS =
ALL_CFLAGS = $(STANDARD) $(WARNINGS) -I. -MMD -MP

# Objects of different flags live in different folders of build/.
release = $(OBJECTS:%=build/release/%.o)
static = $(OBJECTS:%=build/static/%.o)
tested = $(filter-out build/test/chat.o,$(OBJECTS:%=build/test/%.o)) \
	build/test/chat-without-main.o
sources = $(wildcard *.c crypto/*.c tests/*/*.c)
headers = $(wildcard *.h crypto/*.h tests/*/*.h)

all: chat

chat: $(release)
	$(CC) $(RELEASE) -pie $(CFLAGS) $(LDFLAGS) -o $@ $(release)

build/release/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(RELEASE) $(CFLAGS) -c -o $@ $<

build/test/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(SANITIZE) $(CFLAGS) -c -o $@ $<

build/test/chat-without-main.o: chat.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(SANITIZE) $(CFLAGS) -DCHAT_WITHOUT_MAIN -c -o $@ $<

build/tests/unit/%: tests/unit/%.c $(tested)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(SANITIZE) $(CFLAGS) -o $@ $< $(tested) \
		$(LDFLAGS) -lcmocka

# One binary that runs in an empty chroot.  musl where it is installed.
STATIC_CC = $(shell command -v musl-gcc >/dev/null 2>&1 && \
	echo musl-gcc || echo $(CC))

static: chat-static

chat-static: $(static)
	$(STATIC_CC) -Os -static -s -Wl,--gc-sections $(CFLAGS) $(LDFLAGS) \
		-o $@ $(static)

# musl's own CMSG_NXTHDR mixes signs.
build/static/%.o: %.c
	@mkdir -p $(@D)
	$(STATIC_CC) $(ALL_CFLAGS) -Wno-sign-conversion -Os -ffunction-sections -fdata-sections \
		-fstack-protector-strong $(CFLAGS) -c -o $@ $<

# Every test, each kind with its seconds; ends in one line that counts them.
test: chat $(TESTS:%=build/tests/unit/test_%) $(FUZZERS:%=build/tests/fuzz/%)
	tests/run unit fuzz scenarios

unit: $(TESTS:%=build/tests/unit/test_%)
	tests/run unit

scenarios: chat
	tests/run scenarios

# A fuzz target is linked with libFuzzer by `make fuzz`, and with a main that
# replays the corpus everywhere else.
build/tests/fuzz/%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(tested)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(SANITIZE) $(CFLAGS) -o $@ $< \
		tests/fuzz/replay.c $(tested) $(LDFLAGS)

TIME = 60
fuzz: $(FUZZERS:%=build/fuzz/%)
	@for f in $(FUZZERS); do \
		mkdir -p build/corpus/$$f && \
		build/fuzz/$$f -max_total_time=$(TIME) -timeout=10 \
			-artifact_prefix=build/corpus/ build/corpus/$$f \
			tests/fuzz/corpus/$$f || exit 1; \
	done

build/fuzz/%: tests/fuzz/fuzz_%.c $(OBJECTS:%=%.c)
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(ALL_CFLAGS)) -O1 -g -DCHAT_WITHOUT_MAIN \
		-fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $< $(OBJECTS:%=%.c)

lint:
	tests/lint

# The flags of every compiler run, for tests/lint.
flags:
	@echo "$(filter-out -MMD -MP,$(ALL_CFLAGS))"

format:
	clang-format -i $(sources) $(headers)

install: chat
	mkdir -p $(DESTDIR)$(PREFIX)/bin
	install -m 755 chat $(DESTDIR)$(PREFIX)/bin/chat

clean:
	rm -rf build chat chat-static

help:
	@echo 'make            ./chat'
	@echo 'make static     ./chat-static, one file without libraries'
	@echo 'make install    to $$(DESTDIR)$$(PREFIX)/bin'
	@echo 'make test       all tests (tests/setup installs what they need)'
	@echo 'make unit       unit tests only; make scenarios: those only'
	@echo 'make fuzz       coverage-guided, TIME=60 seconds a target; clang'
	@echo 'make lint       format, compilers, analysers'
	@echo 'make format     clang-format in place'
	@echo 'make clean'

.PHONY: all static test unit scenarios fuzz lint flags format install \
	clean help
.SECONDARY:

-include $(wildcard build/*/*.d build/tests/*/*.d build/*/crypto/*.d)
