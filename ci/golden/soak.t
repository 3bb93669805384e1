# A back end that repeats: every execution compared, and what so little time shows.
$ assay soak gemm/m=8,n=9,k=10 softmax/rows=4,columns=33 --backend template --for 1s --stretch 200ms -o honest | sed -E 's/ +[0-9,]+ +0 +[-.0-9e]+ +[0-9]+ %/  N  0  HOURS  SHARE/; s/in [0-9,]+ executions, [-.0-9e]+ card/in N executions, H card/; s/than [0-9,]+ a year/than MANY a year/'
case                       executions  mismatches  card-hours  at work  how it went
gemm/m=8,n=9,k=10  N  0  HOURS  SHARE
softmax/rows=4,columns=33  N  0  HOURS  SHARE
No silent error in N executions, H card-hours. With 95 % confidence that shows only fewer than MANY a year on one card at such work; to show fewer than one takes 26,300 card-hours without an error.

# its first launch is an ordinary run
$ assay validate honest | tail -1
2 passed, 0 failed, 0 not checked

# for longer: what was counted counts, and the folder holds one soak
$ before=$(wc -l <honest/soak.jsonl); assay soak gemm/m=8,n=9,k=10 softmax/rows=4,columns=33 --backend template --for 4s --stretch 200ms -o honest --resume --json | grep -c '"mismatches": 0'; after=$(wc -l <honest/soak.jsonl); [ $after -gt $before ] && echo more
3
more

# other programs are told too: two cases, none differed, each execution gave the bits of the others
$ assay report honest --format json -o told >/dev/null; jq -c '.runs[0] | [(.soak.cases | length), .soak.all.mismatches, (.repeats | length), ([.repeats[].executions.differing] | add), .repeats[0].executions.share_interval_95[0]]' told/report.json
[2,0,2,0,0]

# so does the table: share, its interval and of how many; of a soak what was counted, and the most a year that is compatible
$ assay report honest --format csv -o told >/dev/null; grep -oE '(repeats|soak)\.[a-z_.]+,[^,]*,[^,]*,[^,]*,[^,]*,[0-9]+' told/report.csv | awk -F, '{ print $1, ($2 == 0 ? 0 : $2 == "" ? "-" : "some"), ($4 > 0 ? "high" : "-"), $5, ($6 > 0 ? "n" : "-") }' | sort | uniq -c | sed 's/^ *//'
2 repeats.executions.differing_share 0 high 0.94999999999999996 n
2 repeats.launches.differing_share - -  -
2 soak.bad_ends 0 -  n
2 soak.compared_ns some -  n
2 soak.executions some -  n
2 soak.silent_errors 0 -  n
2 soak.silent_errors_per_year 0 high 0.94999999999999996 n

$ assay soak gemm/m=8,n=9,k=10 softmax/rows=4,columns=33 --backend template --for 1s -o honest
~ assay: 'honest' holds a run already; choose another folder, or go on with --resume
? 2

$ assay soak gemm/m=8,n=9,k=10 --backend template --for 3s -o honest --resume
~ assay: cannot go on with another plan
? 2

# one bit turned over now and then: found, counted, placed
$ assay soak gemm/m=32,n=32,k=32 --backend chaos,mode=flip,cheat=0.1,after=8000 --for $([ $GOLDEN_BUILD = plain ] && echo 6 || echo 20)s --stretch 20s -o flip | sed -nE '/^mismatch/,$p' | sed -E 's/  +/ | /g; s/^TIME|^2[-0-9T:]+Z/WHEN/; s/[0-9]*,?[0-9]+ \| output 0, element [0-9]+ \| [^|]+ \|/EXECUTION | output 0, element N | X for Y |/; s/and [0-9,]+ more/and MANY more/; s/[0-9,]+ silent errors in .* it is at most [0-9,]+/MANY silent errors … at most LIMIT/' | uniq
mismatch | case | execution | first | is | differ
WHEN | gemm/m=32,n=32,k=32 | EXECUTION | output 0, element N | X for Y | 1 bit in 1
and MANY more; soak.jsonl has what is known of them
MANY silent errors … at most LIMIT.
? 1

# a worker that crashes is started again; what it had counted is kept
$ assay soak gemm/m=32,n=32,k=32 --backend chaos,mode=crash,after=8000 --for $([ $GOLDEN_BUILD = plain ] && echo 6 || echo 20)s --stretch 20s -o crash --json >crash.json
? 1

$ grep -qE '"crashed": [1-9]' crash.json && grep -o '"mismatches": 0' crash.json | sort -u && sed -nE 's/.*"end":"crashed".*"iterations":8000.*"reason":"([^"]*)".*/\1/p' crash/soak.jsonl | sort -u
"mismatches": 0
worker killed by SIGSEGV (Segmentation fault) in phase soak

# and one that hangs
$ assay soak gemm/m=32,n=32,k=32 --backend chaos,mode=hang,after=8000 --for $([ $GOLDEN_BUILD = plain ] && echo 6 || echo 20)s --stretch 20s --timeout-s 500ms -o hang --json >hang.json
? 1

$ sed -nE 's/.*"end":"hung".*"reason":"([^"]*)".*/\1/p' hang/soak.jsonl | sort -u
an execution did not come to its end within 0.5 s

# what cannot be compared is not
$ for mode in unordered wrong crash; do assay soak gemm/m=8,n=9,k=10 --backend chaos,mode=$mode --for 1s -o no-$mode | sed -nE '2s/.*–  //p'; echo $?; done | sed -E "s/: [0-9] different contents in [0-9]+ exec/: N different contents in M exec/; s/(to begin with): .*/\1/"
its outputs do not repeat: N different contents in M executions of one input set; comparing bits would call that errors
5
its outputs are wrong to begin with
1
it did not run: crashed: worker killed by SIGSEGV (Segmentation fault) in phase warm
3

$ assay soak gemm/m=8,n=9,k=10 --backend null --for 1s -o nothing | tail -1
Nothing was compared: this shows nothing of silent errors.
? 5

# with everything killed, what was counted is taken up
$ timeout -s KILL $([ $GOLDEN_BUILD = plain ] && echo 6 || echo 20) assay soak gemm/m=8,n=9,k=10 --backend chaos,mode=honest --for 300s --stretch 300s -o killed; sleep 0.3; wc -l <killed/soak.jsonl; assay soak gemm/m=8,n=9,k=10 --backend chaos,mode=honest --for 1s -o killed --resume | sed -E '2s/ +[0-9,]+ +0 .*/  N  0/; $s/ .*//'; sed -nE 's/.*"iterations":([0-9]+),.*"reason":"([^"]*)".*/\2/p' killed/soak.jsonl; ls killed/soak
0
case               executions  mismatches  card-hours  at work  how it went
gemm/m=8,n=9,k=10  N  0
No
the program that watched it ended before

$ assay soak
! assay: soak needs a suite or cases: assay soak gemm --backend cpu --for 10m -o out/soak
? 2

$ assay soak gem
~ did you mean 'gemm'?
? 2
