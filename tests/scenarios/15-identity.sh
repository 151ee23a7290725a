#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: an identity that can not be trusted is refused, and never made anew.
#
# The file that holds alice's key is damaged in all ways, cut, missing, a link,
# readable for others, somebody else's, another person's: each time one line
# says what to do, nothing in the database has changed, and with the file as it
# was before all is well again.
. "$(dirname "$0")/lib.sh"

# state: all that is in alice's database, and how.
state() {
	(cd alice.db && find . -type f ! -name lock -exec cksum {} + | sort)
}

# refused STATUS PATTERN: alice does not start, in one line, and --log of her
# does not work either.
refused() {
	state > before.log
	for command in -q --log; do
		status=0
		timeout 60 "$chat" $command --no-mdns -p 4001 alice \
			< /dev/null > refused.out 2> refused.err || status=$?
		[ "$status" -eq "$1" ] ||
			fail "status $status, not $1, where it should say '$2'"
		has refused.err "^error> .*$2" || fail "it does not say '$2'"
		[ "$(lines refused.err '')" -eq 1 ] || fail "not one line"
		[ ! -s refused.out ] || fail "it wrote to standard output"
	done
	state | cmp - before.log || fail "the database was changed"
}

# good: with the file as it was, all is as it was.
good() {
	rm -f "$identity"
	cp -p identity.good "$identity"
	"$chat" --log alice > good.out 2> good.err || fail "--log of a good one"
	silent good
	cmp good.out said || fail "alice has lost something"
}

# damaged: a line says so.
damaged() {
	refused 65 "identity is damaged; nothing was changed: put it back"
	good
}

# replaced TEXT-TO-REPLACE WITH: damaged so.
replaced() {
	sed "s/$1/$2/" identity.good > "$identity"
	! cmp -s identity.good "$identity" || fail "there is no $1"
	damaged
}

identity=alice.db/identity
start alice "$chat" -q --no-mdns -p 4001 alice
start bob "$chat" -q --no-mdns -p 4002 bob 127.0.0.1:4001
say alice 'this is me'
wait_for bob.out '^alice> this is me$'
leave alice
leave bob
silent alice bob
cp alice.out said
cp -p "$identity" identity.good

# In its format.
good
: > "$identity"
damaged
head -c 100 identity.good > "$identity"
damaged
echo 'more' >> "$identity"
damaged
seed=$(sed -n 's/^seed \(.\).*/\1/p' identity.good)
other=$(echo "$seed" | tr '0-9a-f' '1-9a-f0')
replaced "^seed $seed" "seed $other"
public=$(sed -n 's/^public \(.\).*/\1/p' identity.good)
other=$(echo "$public" | tr '0-9a-f' '1-9a-f0')
replaced "^public $public" "public $other"
replaced '^mode open' 'mode ajar'
replaced '^seed ' 'seed  '
head -c 100000 /dev/zero > "$identity"
damaged
sed 's/^chat identity 1/chat identity 2/' identity.good > "$identity"
refused 78 'made by a newer version'
good

# As a file.
chmod 644 "$identity"
refused 77 "can be read or changed by others; .*: chmod 600 .*alice.db/identity"
chmod 620 "$identity"
refused 77 "chmod 600"
good
rm "$identity"
ln -s ../identity.good "$identity"
refused 77 'alice.db/identity is a link'
rm "$identity"
ln -s /nowhere "$identity"
refused 77 'alice.db/identity is a link'
rm "$identity"
ln identity.good "$identity"
refused 77 'hard link.*: cd .*alice.db && cp -p identity new && mv new identity$'
rm "$identity"
mkdir "$identity"
refused 77 'alice.db/identity is a link, or no file'
rmdir "$identity"
mkfifo "$identity"
refused 77 'alice.db/identity is a link, or no file'
rm "$identity"
refused 66 'there is no identity in .*: put it back from a backup'
[ ! -e "$identity" ] || fail "an identity was made anew"
good

# Somebody else's: a file of another user, laid over ours.
foreign=$(find /etc /usr/share /var -xdev -type f ! -user "$(id -u)" \
	-print 2> /dev/null | head -n 1)
if [ -n "$foreign" ]; then
	mount --bind "$foreign" "$identity"
	refused 77 'alice.db/identity belongs to another user'
	umount "$identity"
	good
fi

# Another person's, whole and good: it is not alice's, and her messages are not
# his.
cp -p bob.db/identity "$identity"
refused 65 'identity is not the one of this database'
good

start alice "$chat" -q --no-mdns -p 4001 alice
start bob "$chat" -q --no-mdns -p 4002 bob 127.0.0.1:4001
say alice 'still me'
wait_for bob.out '^alice> still me$'
leave alice
leave bob
silent alice bob
