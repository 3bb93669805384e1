$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template --launches 4 -o a --quiet && cp -r a b
a

$ assay validate a --json >/dev/null; assay validate b --json >/dev/null

# a copy is no worse: the ratio is 1; how sure that is, the machine decides
$ assay compare a b >out; case $? in 0 | 5) sed -E 's/  +/  /g; 1s/^(([^ ]+ )+).*/\1/' out | sed -nE '1p; s/^(no worse|undecided) +(1\.0000) .*/\2/p' ;; esac
B is
1.0000
1.0000
1.0000

$ assay compare a b --margin 10 | grep '^margin\|^B is no'
margin: 1000.00 % (given)
B is no worse: all 3 cases that can be compared are no worse

$ assay compare a b --margin 10 --json | grep -E '^  "(margin|outcome|only_a|only_b)'
  "only_a": 0,
  "only_b": 0,
  "outcome": "no worse",

$ assay compare a b --margin 10 2>&1 >/dev/null

# two back ends of one run
$ assay run gemm/m=8,n=9,k=10 --backend template --backend null --launches 2 --min-s 1ms -o two --quiet; assay validate two --quiet | tail -1
two
2 passed, 0 failed, 2 not checked

$ assay compare two >out; echo $?; tail -1 out
1
B is worse: 1 of 1 cases are worse

$ assay compare two two --backend-a template:host,memory=4GiB --backend-b null:nothing,queues=1 | tail -1
B is worse: 1 of 1 cases are worse
? 1

$ assay compare two two --backend-a template
! assay: run A has no back end 'template'; run A has: template:host,memory=4GiB null:nothing,queues=1
? 2

$ assay compare
! assay: compare needs two run folders, or one with --backend-a and --backend-b
? 2

$ assay compare a b two
! assay: compare needs two run folders, or one with --backend-a and --backend-b
? 2

$ assay compare a no-such-folder
! assay: there is no run folder 'no-such-folder'
? 2

$ assay compare a two --backend-b cpu
! assay: run B has no back end 'cpu'; run B has: template:host,memory=4GiB null:nothing,queues=1
? 2

$ assay compare a
! assay: which back end of run A is to be compared; run A has: template:host,memory=4GiB
? 2

$ assay compare a b --margin -1
! assay: margin must be a number from 0 to 10, got '-1' (while reading option '--margin')
? 2

$ assay compare a b --margin two
! assay: margin must be a number from 0 to 10, got 'two' (while reading option '--margin')
? 2

$ assay compare a b --margn 0.02
! assay: unknown option '--margn'; did you mean '--margin'?
? 2

# nothing in common is insufficient evidence
$ assay run reduce/rows=4,columns=5 --backend null --launches 1 --min-s 1ms -o other --quiet && assay compare a other | tail -2
other
left out: 3 cases only in A, 1 only in B
B is neither shown worse nor shown no worse: no case is in both
? 5

$ cp -r a bent && sed -i '2s/"launch":0/"launch":7/' bent/records.jsonl && assay compare bent a
! assay: bent/records.jsonl:2: not the line that was written: its checksum does not match; a record is never edited; take the run folder from a copy, or run again
? 2
