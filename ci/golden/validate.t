$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template --backend null -o a --quiet
a

$ assay validate a --quiet | sed -E 's/ ([0-9.e-]+|–) +[0-9]+ of [0-9]+ / RATIO JUDGED /; s/  +/  /g'
verdict  assurance  error/bound  judged  case  backend  why
pass  full  RATIO JUDGED  gemm/m=8,n=9,k=10  template:host
not_checked  none  RATIO JUDGED  gemm/m=8,n=9,k=10  null:nothing  computes no values
pass  full  RATIO JUDGED  elementwise/op=relu,elements=200  template:host
not_checked  none  RATIO JUDGED  elementwise/op=relu,elements=200  null:nothing  computes no values
pass  full  RATIO JUDGED  softmax/rows=4,columns=33  template:host
not_checked  none  RATIO JUDGED  softmax/rows=4,columns=33  null:nothing  computes no values
3 passed, 0 failed, 3 not checked

$ assay validate a --json
{
  "failed": 0,
  "not_checked": 3,
  "passed": 3
}

# counts and table are the result; progress is not among them
$ assay validate a 2>&1 >/dev/null

$ assay validate a --strict | tail -1
3 passed, 0 failed, 3 not checked

# nothing that was recorded changes, and the verdicts are the same bytes every time
$ sha256sum a/records.jsonl a/plan.json a/manifest.json >sums && cp a/verdicts.jsonl before && assay validate a --json >/dev/null && sha256sum --quiet -c sums && cmp before a/verdicts.jsonl

# nothing to judge is insufficient evidence
$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend null -o none --quiet && assay validate none | tail -1
none
0 passed, 0 failed, 3 not checked
? 5

# a witness that is missing, cut or changed is never a pass
$ cp -r a cut && for f in cut/witness/*template*; do truncate -s 100 $f; done; assay validate cut | sed -nE 's/^(fail|pass|untrusted|not_checked) .*template[^ ]* *(.*)/\1 \2/p'
! assay: cut/witness/389e0a68ac4ef87b.template_host_memory=4_i_-0da8b30cd1e7d999.0.bin: not the witness that was written: the record has another SHA-256 (while judging launch 0 of 'gemm/dtype=f32,k=10,m=8,n=9,transpose_a=false,transpose_b=false', validating 'cut')
? 2

$ cp -r a gone && rm gone/witness/*template*; assay validate gone | sed -nE 's/^(fail|pass|untrusted|not_checked) .*template[^ ]* *(.*)/\1 \2/p'
! assay: cannot open 'gone/witness/389e0a68ac4ef87b.template_host_memory=4_i_-0da8b30cd1e7d999.0.bin': No such file or directory (while judging launch 0 of 'gemm/dtype=f32,k=10,m=8,n=9,transpose_a=false,transpose_b=false', validating 'gone')
? 2

$ cp -r a bent && for f in bent/witness/*template*; do printf X | dd of=$f bs=1 seek=900 conv=notrunc status=none; done; assay validate bent | sed -nE 's/^(fail|pass|untrusted|not_checked) .*template[^ ]* *(.*)/\1 \2/p'
! assay: bent/witness/389e0a68ac4ef87b.template_host_memory=4_i_-0da8b30cd1e7d999.0.bin: not the witness that was written: the record has another SHA-256 (while judging launch 0 of 'gemm/dtype=f32,k=10,m=8,n=9,transpose_a=false,transpose_b=false', validating 'bent')
? 2

# a record that was edited, moved or removed is named with its line
$ cp -r a edited && sed -i '2s/"launch":0/"launch":1/' edited/records.jsonl && assay validate edited
! assay: edited/records.jsonl:2: not the line that was written: its checksum does not match; a record is never edited; take the run folder from a copy, or run again
? 2

$ cp -r a less && sed -i '2d' less/records.jsonl && assay validate less
! assay: less/records.jsonl:2: does not follow the line before: a line was removed, added or moved
? 2

$ cp -r a twice && sed -i '2p' twice/records.jsonl && assay validate twice
! assay: twice/records.jsonl:3: does not follow the line before: a line was removed, added or moved
? 2

# a torn end is left out and said
$ cp -r a torn && printf '{"case":' >>torn/records.jsonl && assay validate torn | tail -1
3 passed, 0 failed, 3 not checked
! assay: note: torn: records.jsonl ends in 8 bytes that are no whole record, after 6 records; they are left out

$ assay validate
! assay: validate needs a run folder: assay validate out/quick
? 2

$ assay validate a a
! assay: validate needs a run folder: assay validate out/quick
? 2

$ assay validate no-such-folder
! assay: there is no run folder 'no-such-folder'
? 2

$ mkdir empty && assay validate empty
! assay: 'empty' is no run folder: it has no records.jsonl; a run that ended before its first case starts anew, without --resume
? 2

$ assay validate a/plan.json
! assay: there is no run folder 'a/plan.json'
? 2

$ cp -r a broken && echo '{' >broken/plan.json && assay validate broken
! assay: broken/plan.json:2:0: string or '}' expected near end of file
? 2

$ cp -r a lost && rm lost/manifest.json && assay validate lost
! assay: cannot open 'lost/manifest.json': No such file or directory
? 2

$ assay validate a --strct
! assay: unknown option '--strct'; did you mean '--strict'?
? 2

$ assay validate a --json=perhaps
! assay: json must be true or false, got 'perhaps' (while reading option '--json')
? 2

# verdicts that cannot be written are told, and what was there stays
$ cp -r a full && small-files 1 assay validate full --json 2>&1 | sed 's/[0-9]* bytes/N bytes/'
assay: cannot write N bytes to 'full/verdicts.jsonl': File too large
? 2

$ cmp full/verdicts.jsonl a/verdicts.jsonl; ls full
lock
log.txt
manifest.json
plan.json
records.jsonl
samples
suite.json
trace
verdicts.jsonl
witness

# memory that is not there costs one case its verdict, not the others
$ assay run gemm/m=2048,n=2048,k=2048 gemm/m=8,n=8,k=8 --backend cpu --launches 1 --min-s 1ms --min-runs 2 -o tight --quiet
tight

@skip asan,tsan: a sanitizer reserves more than the limit
$ (ulimit -v 80000; assay validate tight >out); grep -c 'small: no memory for' out; tail -1 out
1
1 passed, 0 failed, 1 not checked

# what only a level asks is not passed over in silence
$ assay validate none -o elsewhere
! assay: -o is of no use to a run folder: it is judged by what it holds, and the verdicts are written into it
? 2

$ assay validate none --pairs 3
! assay: --pairs is of no use to a run folder: it is judged by what it holds, and the verdicts are written into it
? 2
