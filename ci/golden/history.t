$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template --launches 2 -o one --quiet
one

# only what was judged
$ assay history add one --db h.db
! assay: run 'one' was not validated; assay validate one
? 2

$ assay validate one --quiet | tail -1
6 passed, 0 failed, 0 not checked

$ assay history add one --db h.db --night 2026-01-01 --host node
one: added: night 2026-01-01, 3 rows, 3 with a proved time

$ assay history add one one --db h.db
one: was there already
one: was there already

$ assay history check --db h.db
3 series, 0 watched: 0 find a step of 3 % in 5 nights with 95 %, 0 are too noisy for that.
0 alarms open

$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template --launches 2 -o two --quiet; assay validate two --quiet | tail -1; sed -i "1s/\"outcome\":\"pass\"/\"outcome\":\"fail\"/" two/verdicts.jsonl
two
6 passed, 0 failed, 0 not checked

$ assay history add two --db h.db --night 2026-01-02 --host node
two: added: night 2026-01-02, 3 rows, 2 with a proved time

$ assay history check --db h.db --junit j.xml --markdown s.md --openmetrics m.prom --html t.html | sed -E "s/ALARM [0-9a-f]{8}/ALARM ID/; s/name [0-9a-f]{8}/name ID/; s/0\.[0-9]+, was 0\.[0-9]+/X, was X/; s/changed: (nothing that was recorded: driver|measured clock).*/changed: LITTLE/"
ALARM ID  verdict  first bad 2026-01-02, last good 2026-01-01, sure on 2026-01-02
  gemm/dtype=f32,k=10,m=8,n=9,transpose_a=false,transpose_b=false on template:host,memory=4GiB, one core of this machine host at node
  fail, was pass; error/bound X, was X
  changed: LITTLE

An alarm stays open until it is named: assay history name ID regression|intended|environment --why TEXT --db h.db
3 series, 0 watched: 0 find a step of 3 % in 5 nights with 95 %, 0 are too noisy for that.
1 alarm open
? 1

$ grep -c "<failure " j.xml; head -1 s.md; grep -o "assay_history_alarm_open{alarm=" m.prom; grep -o "<h1>.*</h1>" t.html; tail -1 m.prom | cut -c3-
1
## Nightly: 1 alarm open
assay_history_alarm_open{alarm=
<h1>1 alarm open</h1>
EOF

$ assay history check --db h.db | sed -n "s/^ALARM \([0-9a-f]*\).*/\1/p" >id; assay history name $(cat id) regresion --why x --db h.db
! assay: an alarm is a regression, intended, or of the environment, not 'regresion'; did you mean 'regression'?
? 2

$ assay history name $(cat id) regression --db h.db
! assay: history name needs --why TEXT: somebody will ask
? 2

$ assay history name $(cat id) intended --why "planted by hand" --db h.db | sed -E "s/^[0-9a-f]{8}/ID/; s/0\.[0-9]+, was 0\.[0-9]+/X, was X/"
ID is named: intended
  gemm/dtype=f32,k=10,m=8,n=9,transpose_a=false,transpose_b=false on template:host,memory=4GiB, one core of this machine host at node
  fail, was pass; error/bound X, was X

# what was said before is kept
$ assay history name $(cat id) environment --why "the fan" --db h.db | sed -nE "s/on [0-9]{4}-[0-9]{2}-[0-9]{2}/on DAY/; /named|before/s/^[0-9a-f]{8}/ID/p"
ID is named: environment
$ assay history name $(cat id) intended --why "planted by hand" --db h.db | sed -nE "s/on [0-9]{4}-[0-9]{2}-[0-9]{2}/on DAY/g; s/^  before/before/p"
before that: intended on DAY: planted by hand; environment on DAY: the fan

$ assay history check --db h.db | tail -1
0 alarms open

$ assay history trend softmax --db h.db | sed -E "s/  +/  /g; s/ +$//"
level  last  night σ  step in 5 nights with 95 %  toward alarm  nights  verdict  case  backend  host
  –  –  learning: 2 of 10 nights  –  2  pass  softmax/rows=4,columns=33  template:host,memory=4GiB  node

$ assay history trend softmux --db h.db
! assay: no series has 'softmux' in the name of its case, back end or host; assay history trend lists all 3
? 2

$ assay history name 0123 regression --why x --db h.db
! assay: no alarm begins with '0123'; assay history check --db FILE lists them
? 2

$ assay history chek
! assay: history knows add, check, trend and name, not 'chek'; did you mean 'check'?
? 2

$ assay history add one --db h.db --night tonight
! assay: a night is a date like 2026-11-26, not 'tonight'
? 2

$ assay history check --db none.db
! assay: there is no history 'none.db'; 'assay history add DIR --db FILE' makes one
? 2

$ printf "no database, but long enough to be looked at as if it were one" >text; assay history check --db text
! assay: cannot read history 'text': file is not a database
? 2

$ cp h.db newer.db; printf "\0\0\0\11" | dd of=newer.db bs=1 seek=60 conv=notrunc status=none; assay history check --db newer.db
! assay: history 'newer.db' has schema 9; this assay (0.1.0) knows 2; it was written by a newer assay: use that one; nothing was changed
? 2

$ assay history check --db h.db --again again; cat again
0 to be run again


# a night, as ci/nightly does it
$ "$ASSAY_SOURCE/ci/nightly" --suite "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template --program "$ASSAY_PROGRAM" --db "$PWD/n.db" --out "$PWD/n" | sed -E 's,.*/suite:,suite:,; s/night [0-9-]+/night DATE/'
suite: added: night DATE, 3 rows, 3 with a proved time
3 series, 0 watched: 0 find a step of 3 % in 5 nights with 95 %, 0 are too noisy for that.
0 alarms open

$ ls n | grep -v Z$
junit.xml
lock
metrics.prom
summary.md
trend.html

# what looks different is run again twice, on each back end that it was seen on, as long and as often as the suite says
$ printf '%s\n' '#!/bin/sh' 'case "$*" in *--again*) for b in template null; do printf "%s\tsoftmax/rows=4,columns=33\n" $b; done >"$6"; exit 0 ;; esac' 'exec "$REAL" "$@"' >prog; chmod +x prog
$ REAL=$ASSAY_PROGRAM "$ASSAY_SOURCE/ci/nightly" --suite "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template --backend null --program "$PWD/prog" --db "$PWD/m.db" --out "$PWD/m" >out; cat m/*Z/again[12]-*/records.jsonl | grep -o '"backend":"[a-z]*\|--seed 1 --launches.*s"' | sed 's/,.*//; s/".*"//' | sort | uniq -c | sed 's/^ *//'
4 --seed 1 --launches 1 --min-runs 8 --min-s 5ms --max-s 5s --timeout-s 60s"
2 null
2 template

$ "$ASSAY_SOURCE/ci/nightly" --suit x
! ci/nightly: unknown option '--suit'; see the head of this file
? 2
