# How crypto/ is tested beyond `make unit`, which runs the 51-bit layout under
# sanitizers: the same programs again, optimised, in other shapes.
#
#	make crypto-check	all of the next three; -j2 helps
#	make crypto-layouts	the other layout, and both with -DFE_CHECK
#	make crypto-foreign	armhf (32 bits), s390x (big-endian, in both
#				layouts), by qemu-user
#	make ct			no branch or address depends on a secret: valgrind
#	make diff		random inputs against libsodium, where there is one
#	make bench-crypto	speed, beside openssl's; make bench has it too

crypto_test_flags = $(ALL_CFLAGS) -Itests/shim
crypto_sources = $(CRYPTO:%=crypto/%.c)

# In `make unit`, these programs need nothing but crypto/.
$(CRYPTO_TESTS:%=build/tests/unit/test_%): build/tests/unit/test_%: \
		tests/unit/test_%.c $(CRYPTO:%=build/test/crypto/%.o)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(SANITIZE) $(CFLAGS) -o $@ $< $(filter %.o,$^) \
		$(LDFLAGS) -lcmocka

# $(call crypto_variant,name,compiler and flags,what runs the program)
define crypto_variant
build/$(1)/crypto/%.o: crypto/%.c
	@mkdir -p $$(@D)
	$(2) $$(crypto_test_flags) -c -o $$@ $$<

build/$(1)/test_%: tests/unit/test_%.c $$(CRYPTO:%=build/$(1)/crypto/%.o)
	$(2) $$(crypto_test_flags) -o $$@ $$< $$(filter %.o,$$^)

build/$(1)/passed_%: build/$(1)/test_%
	$(3) $$< >$$@.log || { cat $$@.log; exit 1; }
	@mv $$@.log $$@

$(1): $$(CRYPTO_TESTS:%=build/$(1)/passed_%)
	@echo "$(1): passed: $$(CRYPTO_TESTS)"

.PHONY: $(1)
endef

$(eval $(call crypto_variant,fe25,$$(CC) -O2 -DFE_32,))
$(eval $(call crypto_variant,fe51-check,$$(CC) -O2 -DFE_CHECK,))
$(eval $(call crypto_variant,fe25-check,$$(CC) -O2 -DFE_32 -DFE_CHECK,))
$(eval $(call crypto_variant,armhf,arm-linux-gnueabihf-gcc -O2 -static,qemu-arm))
$(eval $(call crypto_variant,s390x,s390x-linux-gnu-gcc -O2 -static,qemu-s390x))
$(eval $(call crypto_variant,s390x-fe25,s390x-linux-gnu-gcc -O2 -static \
	-DFE_32,qemu-s390x))

crypto-check: crypto-layouts crypto-foreign ct
crypto-layouts: fe25 fe51-check fe25-check
crypto-foreign: armhf s390x s390x-fe25

ct:
	RELEASE='$(RELEASE)' tests/ct/run

diff:
	@pkg-config --exists libsodium || { echo 'diff: no libsodium'; exit 1; }
	@mkdir -p build/diff
	$(CC) $(filter-out -MMD -MP,$(crypto_test_flags)) -O2 -DFE_CHECK \
		$$(pkg-config --cflags libsodium) \
		-o build/diff/diff_crypto tests/diff/diff_crypto.c \
		$(crypto_sources) $$(pkg-config --libs libsodium)
	build/diff/diff_crypto

.PHONY: crypto-check crypto-layouts crypto-foreign ct diff
