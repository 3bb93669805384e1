$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template --backend m300 -o quick --quiet && assay validate quick --quiet >out; assay bundle key -o mine.key | sed -E 's/[0-9a-f]{64}/KEY/'; stat -c %a mine.key
quick
mine.key (secret: keep it), mine.key.pub (to give away)
public key KEY
600

# packed, and with the same bytes however often and from wherever
$ assay bundle quick --policy inference-service --key mine.key -o a.bundle 2>note | sed -E 's/[0-9]+ files/N files/; s/[0-9a-f]{64}/KEY/'; mkdir sub && cp -r quick sub && assay bundle sub/quick/ --policy inference-service --key mine.key -o b.bundle >out 2>&1; cmp a.bundle b.bundle
a.bundle: N files, signed by KEY

# what it rests on is in it, and what is not is told
$ tar tf a.bundle | sed -E 's/[0-9a-f]{16}/ID/g' | sort -u | grep -vE '^run/(samples|witness|trace)'
descriptions/devices/m300.json
manifest.json
policy/policy.json
report/decision.en.html
report/decision.json
report/decision.zh.html
report/deviation.en.html
report/deviation.zh.html
report/index.html
report/report.csv
report/report.en.xlsx
report/report.json
report/report.md
report/report.zh.html
report/report.zh.md
report/report.zh.xlsx
run/log.txt
run/manifest.json
run/plan.json
run/records.jsonl
run/suite.json
run/verdicts.jsonl
seal.json

$ cat note; tar xOf a.bundle run/suite.json | cmp - "$ASSAY_SOURCE/ci/golden/data/tiny.json"

# a folder that lost the suite's file says so
$ cp -r quick old && rm old/suite.json && assay bundle old -o old.bundle | sed -E 's/[0-9]+ files/N files/'
old.bundle: N files, not signed
! assay: note: left out: suite tiny: the run folder has no suite.json

# whole: exit 0, with what that proves and what not
$ assay verify a.bundle --key mine.key.pub | sed -E 's/[0-9a-f]{64}/KEY/; s/^(files|records)( *)[0-9]+/\1\2N/'
signature  holds, by key KEY, the one that you gave
files      N, each as the manifest says
records    N in an unbroken chain; what they name is there
report     made again, the same bytes: index.html, report.zh.html, decision.en.html, deviation.en.html, decision.zh.html, deviation.zh.html, report.md, report.zh.md, report.csv, report.en.xlsx, report.zh.xlsx, report.json, decision.json

The signature proves that every byte of this bundle is as it was when the holder of that key signed it.
It does not prove who holds the key (take the public key from him by another way), when he signed, that the runs took place on the
machine that they name, or that nobody chose among runs. For that a witness stands beside, and anybody repeats a case.
Outputs were not judged again: unpack it with -o DIR, then assay validate DIR/run does, from the witnesses.

$ assay bundle quick -o c.bundle >out 2>&1; assay verify c.bundle | sed -nE '/^signature|^It is|^changed/p'
signature  none
It is not signed: whoever changes a file can write manifest and seal anew. That its parts fit shows no more than that nothing was
changed by mistake.

# unpacked, it is a run folder that every verb reads
$ assay verify a.bundle -o u >out && diff -r quick u/run -x lock -x trace && assay validate u/run 2>&1 | tail -1 | sed 's/[0-9][0-9]*/N/g'
N passed, N failed, N not checked

# another key, or none
$ assay bundle key -o other.key >out; assay verify a.bundle --key other.key.pub | grep '^differs'
differs    seal.json: it was signed with another key than the one given
? 1

$ assay verify c.bundle --key other.key.pub | grep '^differs'
differs    seal.json: it is not signed, and a key was given
? 1

# one changed byte is named
$ flip() { at=$(grep -abo "$2" "$1" | sed -n "${3:-1}p" | cut -d: -f1); cp "$1" x; printf "$4" | dd of=x bs=1 seek="$at" conv=notrunc status=none; }; flip a.bundle latency_ns 1 L; assay verify x | grep '^differs' | sed 's/\(: its contents\).*/\1/'; flip a.bundle '"left_out"' 1 '!'; assay verify x | grep '^differs'; flip a.bundle '"signature"' 1 '"Signature'; assay verify x | grep '^differs'
differs    descriptions/devices/m300.json: its contents
differs    manifest.json: is not what seal.json says: one of the two was changed
differs    seal.json: is no seal as it is written
? 1

# records that were edited with their checksums, manifest and seal made anew by somebody without the key: another key, and a report that the run does not give
$ echo 's/"value":/"value" :/' >edit.sed; cp -r quick edited && forge edited edit.sed && echo 's/"value": ?[0-9.e+-]+/"value":1/' >edit.sed && forge edited edit.sed && assay bundle edited --key other.key -o d.bundle >out 2>&1; assay verify d.bundle --key mine.key.pub | grep '^differs'
differs    seal.json: it was signed with another key than the one given
? 1

# hostile and truncated: one line, exit 2, nothing written
$ ls >before; head -c 70000 a.bundle >t; assay verify t
~ it is truncated: take a whole copy
? 2

$ head -c 100 a.bundle >t; assay verify t
~ assay: the bundle ends at byte 100, within what follows 'its beginning'
? 2

$ : >t; assay verify t
! assay: 't' is empty
? 2

$ mkdir -p h && ln -sf /etc/passwd h/link && ln -f before h/hard && echo 1 >h/manifest.json && tar cf t h; assay verify t
~ is not what a bundle has there
? 2

$ tar cPf t --transform 's,^,../../,' before; assay verify t
~ no name of a regular file within it
? 2

$ (cat a.bundle; echo more) >t; assay verify t
~ behind the last file, is not 0
? 2

$ assay verify quick
! assay: 'quick' is not a file
? 2

$ rm -rf h t; ls | diff before -

# keys
$ assay bundle key -o mine.key
! assay: 'mine.key.pub' is there already; a key is never written over; choose another name
? 2

$ assay bundle quick --key mine.key.pub -o z.bundle
~ has no secret half
? 2

$ chmod 644 mine.key; assay bundle quick --key mine.key -o z.bundle
~ assay: the key 'mine.key' may be read by others: its mode is 644; chmod 600
? 2

$ ls z.bundle
? 2

# usage
$ assay bundle quick
! assay: bundle needs one run folder and where to write: assay bundle out/quick -o quick.bundle
? 2

$ assay bundle no-such -o z.bundle
! assay: there is no run folder 'no-such'
? 2

$ mkdir 'a b' && cp -r quick/. 'a b' && assay bundle 'a b' -o z.bundle
! assay: 'a b' is no name for the run of a bundle; letters, digits and . _ = + , @ -, and neither a dot nor a dash first: give the folder another
? 2

$ assay verify
! assay: verify needs one bundle: assay verify quick.bundle --key theirs.pub
? 2
