# chat: serverless LAN chat.  `make` builds ./chat; `make help` lists the rest.
# GNU make 3.81 or newer (on the BSDs: gmake).

PREFIX = /usr/local
CC = cc

STORE = log store/recover store/segments store/authors \
	store/checkpoint store/format store/disk store/crc32c
CRYPTO = sha512 chacha20_poly1305 x25519 ed25519 cpace noise random
MDNS = mdns mdns/dns mdns/cache mdns/responder mdns/tag
LINKS = $(addprefix links/,link native original sync hearing telling feed dial \
	strikes exchange tried known)
ROOM = room room/accept room/own room/forks history
OBJECTS = main chat say tell database inspect options term clean show people names file \
	record $(ROOM) deliver ctl errands mesh $(LINKS) wire message legacy discovery doctor \
	$(MDNS) iface \
	resolve $(STORE) $(CRYPTO:%=crypto/%)
CRYPTO_TESTS = $(CRYPTO) fe poly1305 inside vectors
TESTS = bytes file record message wire legacy log room history dns cache \
	responder mdns iface mesh original sync dial strikes tried known \
	exchange people clean term options database show inspect ctl chat \
	$(CRYPTO_TESTS)
FUZZERS = legacy message wire mdns log
PLAYERS = evil crossing

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
	-Wwrite-strings -Wformat=2 -Wundef -Wvla -Wnull-dereference \
	-Wimplicit-fallthrough -Wswitch-enum
STANDARD = -std=c11 -D_POSIX_C_SOURCE=200809L
RELEASE = -O2 -g -fstack-protector-strong -fPIE \
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
SANITIZE = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
FAST_FLAGS = -O2 -g -U_FORTIFY_SOURCE
CFLAGS =
LDFLAGS =
ALL_CFLAGS = $(STANDARD) $(WARNINGS) -iquote . -MMD -MP

# Objects of different flags live in different folders of build/.
release = $(OBJECTS:%=build/release/%.o)
static = $(OBJECTS:%=build/static/%.o)
node = $(filter-out main,$(OBJECTS))
tested = $(node:%=build/test/%.o)
fast = $(node:%=build/fast/%.o)
benched = $(node:%=build/release/%.o)
sources = $(wildcard *.c mdns/*.c store/*.c room/*.c links/*.c crypto/*.c tests/*/*.c)
headers = $(wildcard *.h mdns/*.h store/*.h room/*.h links/*.h crypto/*.h tests/*/*.h)

all: chat

chat: $(release)
	$(CC) $(RELEASE) -pie $(CFLAGS) $(LDFLAGS) -o $@ $(release)

build/release/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(RELEASE) $(CFLAGS) -c -o $@ $<

build/test/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(SANITIZE) $(CFLAGS) -c -o $@ $<

build/fast/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(FAST_FLAGS) $(CFLAGS) -c -o $@ $<

# Faults of the disk are made by wrapping the calls.
comma = ,
build/tests/unit/test_log: LDFLAGS += \
	$(patsubst %,-Wl$(comma)--wrap=%,pwrite pread fsync fdatasync ftruncate)

# Verifications are counted.
build/tests/unit/test_room: LDFLAGS += -Wl,--wrap=record_verify

# Its clocks are a variable.
build/tests/unit/test_chat: LDFLAGS += -Wl,--wrap=clock_gettime

# Its system is made up.
build/tests/unit/test_iface: LDFLAGS += $(patsubst %,-Wl$(comma)--wrap=%,\
	socket bind setsockopt recvmsg sendto getifaddrs freeifaddrs \
	if_nametoindex)

# The addresses of socketpairs are made up, and nothing is really dialled.
made_up = mesh sync original exchange
$(made_up:%=build/tests/unit/test_%): LDFLAGS += \
	$(patsubst %,-Wl$(comma)--wrap=%,getpeername getsockname connect)

# What others can make us spend is counted (counted.h); ends can be resets.
counted = mesh sync
$(counted:%=build/tests/unit/test_%): LDFLAGS += \
	$(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc record_verify)
build/tests/unit/test_mesh: LDFLAGS += -Wl,--wrap=recv
build/tests/unit/test_sync: LDFLAGS += -Wl,--wrap=room_durable

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
test: chat $(TESTS:%=build/tests/unit/test_%) \
		$(FUZZERS:%=build/tests/fuzz/%) build/tests/crash/explore \
		build/tests/sim/sim build/tests/sim/sim-fast $(PLAYERS:%=build/tests/scenarios/%)
	tests/run unit fuzz crash sim scenarios

unit: $(TESTS:%=build/tests/unit/test_%)
	tests/run unit

scenarios: chat $(PLAYERS:%=build/tests/scenarios/%)
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

build/fuzz/%: tests/fuzz/fuzz_%.c $(node:%=%.c)
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(ALL_CFLAGS)) -O1 -g \
		-fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $< $(node:%=%.c)

# Power cuts, kills, failed calls and rot, at every moment of a store's life,
# for TIME seconds; then the six stores that must be caught.
crash_build = tests/crash/build $(CC) $(filter-out -MMD -MP,$(ALL_CFLAGS)) \
	-O1 -g $(CFLAGS)

crash: build/tests/crash/explore crash-mutants
	build/tests/crash/explore $(TIME) $(SEED)

crash-mutants:
	tests/crash/mutants $(crash_build)

build/tests/crash/explore: tests/crash/explore.c tests/crash/disk_model.c \
		tests/crash/disk_model.h $(STORE:%=%.c) crypto/random.c $(headers)
	@mkdir -p $(@D)
	$(crash_build) -o $@ .

# BENCH=full for ten times as many records; DIR=... for another file system.
# Some have a script of their name, which puts a yardstick beside the figures.
BENCHES = log wire replicate crypto
DIR =
bench: $(BENCHES:%=build/tests/bench/%)
	@for b in $(BENCHES); do \
		script=; test ! -x tests/bench/$$b || script=tests/bench/$$b; \
		BENCH=$(BENCH) $$script build/tests/bench/$$b $(DIR) || exit 1; \
	done
	@$(MAKE) -s sim-figures bench-hosts

bench-replicate: build/tests/bench/replicate build/tests/bench/wire
	BENCH=$(BENCH) tests/bench/replicate $< $(DIR)
	build/tests/bench/wire handshakes

# Ten hosts, beside the simulation and the original; HOSTS_OPTIONS=--trouble for
# a part of it: see there.
HOSTS_OPTIONS = --original
bench-hosts: chat build/tests/sim/sim
	tests/bench/hosts $(HOSTS_OPTIONS) $(DIR)

bench-crypto: build/tests/bench/crypto
	tests/bench/crypto $<

build/tests/bench/%: tests/bench/bench_%.c $(benched)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(RELEASE) $(CFLAGS) -pie -o $@ $< $(benched) \
		$(LDFLAGS)

# Unit tests on machines of 32 bits and of the other byte order.
FOREIGN = bytes record message wire legacy log
foreign:
	tests/foreign $(FOREIGN)

# Whole nodes on a simulated clock, network and disk: `make sim SEEDS=1000`.
SEEDS = 100
SEED =
NODES = 0
SIM_CALLS = malloc calloc realloc free realpath log_open clock_gettime getentropy getrandom getpid connect getsockopt \
	getpeername wire_put wire_close send recv close openat mkdir mkdirat pwrite write ftruncate fsync fdatasync \
	renameat unlinkat fstatvfs
SIM = sim truth figures net disk

FAST =

sim: build/tests/sim/sim$(if $(FAST),-fast)
	$< -n $(SEEDS) $(or $(SEED),1) $(NODES)

# For TIME seconds, without sanitizers: as many seeds as possible.
sim-soak: build/tests/sim/sim-fast
	$< -t $(TIME) $(or $(SEED),1) $(NODES)

# What talk costs in rooms of several sizes; then where 10,000 authors are known.
sim-figures: build/tests/sim/sim-fast
	@for n in 2 3 10 30 64; do $< -f 0 $$n || exit 1; done
	@for n in 3 10; do $< -f 10000 $$n || exit 1; done

# Nodes that break a rule, and whether the simulation finds out.
sim-mutants:
	SOURCES='$(node:%=%.c)' tests/sim/mutants $(SEEDS) $(CC) \
		$(filter-out -W% -MMD -MP,$(ALL_CFLAGS)) -w -O2 -g \
		$(CFLAGS) $(SIM_CALLS:%=-Wl,--wrap=%)

# Their arithmetic has tests of its own: here it is to be fast.
sim_nodes = $(filter-out build/test/crypto/%,$(tested)) \
	$(CRYPTO:%=build/release/crypto/%.o)

build/tests/sim/sim: $(SIM:%=tests/sim/%.c) tests/sim/world.h $(sim_nodes)
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(ALL_CFLAGS)) $(SANITIZE) $(CFLAGS) -o $@ \
		$(SIM:%=tests/sim/%.c) $(sim_nodes) $(LDFLAGS) \
		$(SIM_CALLS:%=-Wl,--wrap=%)

build/tests/sim/sim-fast: $(SIM:%=tests/sim/%.c) tests/sim/world.h $(fast)
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(ALL_CFLAGS)) $(FAST_FLAGS) $(CFLAGS) \
		-o $@ $(SIM:%=tests/sim/%.c) $(fast) $(LDFLAGS) \
		$(SIM_CALLS:%=-Wl,--wrap=%)

# Who plays a part in scenarios, on real sockets.
build/tests/scenarios/crossing: LDFLAGS += \
	$(patsubst %,-Wl$(comma)--wrap=%,getpeername getsockname connect)

build/tests/scenarios/%: tests/scenarios/%.c $(sim_nodes)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(SANITIZE) $(CFLAGS) -o $@ $< \
		$(sim_nodes) $(LDFLAGS) -lcmocka

include tests/crypto.mk

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
	@echo 'make sim        whole nodes while all breaks: SEEDS=100 SEED=1 NODES=3'
	@echo '                without sanitizers, so four times as fast: FAST=1'
	@echo 'make sim-soak   the same, fast, for TIME=60 seconds'
	@echo 'make sim-figures   what talk costs among 2 to 64 of them'
	@echo 'make sim-mutants   nodes that break a rule, to be caught by it'
	@echo 'make fuzz       coverage-guided, TIME=60 seconds a target; clang'
	@echo 'make crash      the store under power cuts, for TIME=60 seconds'
	@echo 'make bench      what store, links, crypto/, talk and ten hosts cost; BENCH=full'
	@echo 'make bench-hosts   ten hosts, beside simulation and original'
	@echo 'make foreign    unit tests as 32-bit and as big-endian programs'
	@echo 'make crypto-check  crypto/ in other layouts, on other machines, in'
	@echo '                constant time; see tests/crypto.mk'
	@echo 'make lint       format, compilers, analysers'
	@echo 'make format     clang-format in place'
	@echo 'make clean'

.PHONY: all static test unit scenarios fuzz crash crash-mutants sim \
	sim-soak sim-figures sim-mutants bench bench-crypto bench-hosts bench-replicate foreign lint flags \
	format install clean help
.SECONDARY:

-include $(wildcard build/*/*.d build/tests/*/*.d build/*/store/*.d \
	build/*/room/*.d build/*/links/*.d build/*/mdns/*.d \
	build/*/crypto/*.d)
