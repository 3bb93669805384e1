# Every way to misbehave, beside an honest back end: caught and named, and the cases of the honest one unharmed.
$ assay run gemm/m=8,n=9,k=10 softmax/rows=4,columns=33 --backend template $(for mode in crash silent nan wrong overrun honest_when_validated,cheat=0.9 cached; do echo --backend chaos,mode=$mode; done) --launches 1 --min-runs 64 --min-s 10ms -o a --quiet
a

$ assay validate a >out
? 1

$ sed -nE 's/^([a-z_]+) .*template:host.*/\1/p' out | sort | uniq -c
      2 pass

$ for mode in crash silent nan wrong overrun honest_when_validated cached; do sed -nE "s/^([a-z_]+) .*chaos:imp,[^ ]*mode=$mode[^ ]* +(.*)/$mode \1: \2/p" out; done | sed -E 's/[-+.0-9e]*[0-9][-+.0-9e]*/N/g; s/N times the [a-z-]+ bound.*/…/; s/nan where/N where/' | uniq -c
      2 crash not_checked: crashed: worker killed by SIGSEGV (Segmentation fault) in phase warm
      1 silent fail: outputs were not written: N of N elements of 'C' still hold what was there before
      1 silent fail: outputs were not written: N of N elements of 'Y' still hold what was there before
      1 nan fail: 'C' at element N in iteration N is N where N is expected, inf times the probable bound of N
      1 nan fail: 'Y' at element N in iteration N is N where N is expected, inf times the worst-case bound of N
      1 wrong fail: 'C' at element N in iteration N is N where N is expected, …
      1 wrong fail: 'Y' at element N in iteration N is N where N is expected, …
      2 overrun fail: wrote outside of what it was given: N guard bytes beside its outputs changed
      1 honest_when_validated fail: 'C' at element N in iteration N is N where N is expected, …
      1 honest_when_validated fail: 'Y' at element N in iteration N is N where N is expected, …
      1 cached fail: 'C' at element N in iteration N is N where N is expected, …
      1 cached fail: 'Y' at element N in iteration N is N where N is expected, …

# a drift and a loss of memory need executions enough to stand out of the noise
$ assay run gemm/m=8,n=9,k=10 softmax/rows=4,columns=33 --backend template --backend chaos,mode=slow --backend chaos,mode=leak --launches 1 --min-runs 256 --min-s 10ms -o slow --quiet && assay validate slow | sed -nE 's/^(pass|untrusted) .*(template|mode=slow)[^ ]* +(.*)/\1 \2 \3/p; s/^(pass) .*(template):host.*/\1 \2/p' | sed -E 's/[+.0-9]*[0-9]/N/g' | sort
slow
pass template
pass template
untrusted mode=slow latency drifts: N % from the first to the last quarter of the run; noise explains N %
untrusted mode=slow latency drifts: N % from the first to the last quarter of the run; noise explains N %

@skip asan,tsan: a sanitizer's own memory grows with every execution, so that growth is not told
$ assay validate slow | sed -nE 's/^(pass|untrusted) .*(mode=leak)[^ ]* +(.*)/\1 \2 \3/p' | sed -E 's/[+.0-9]*[0-9]/N/g' | sort
untrusted mode=leak memory grows by N bytes per execution, N MiB in N of them
untrusted mode=leak memory grows by N bytes per execution, N MiB in N of them

# what ended badly says so while it runs, with the line that repeats it
$ assay run gemm/m=8,n=9,k=10 --backend template --backend chaos,mode=hang --launches 1 --min-s 1ms --timeout-s $([ $GOLDEN_BUILD = plain ] && echo 4 || echo 20) -o hang 2>err; sed -E 's/[0-9.]+ (n|µ|m)?s spread [0-9.]+ %/TIME/; s/ ETA .*//; s/within [0-9.]+ s, last in phase [a-z]+/within LIMIT, last in phase …/; s/(timeout-s) [0-9]+s/\1 LIMIT/' err
hang
[1/2] template gemm/m=8,n=9,k=10 TIME
[2/2] chaos:imp gemm/m=8,n=9,k=10 timeout: no answer within LIMIT, last in phase …
    repeat: assay run gemm/dtype=f32,k=10,m=8,n=9,transpose_a=false,transpose_b=false --backend chaos:imp,after=-1,cheat=0.25,factor=100,mode=hang,node=,param= --seed 1 --launches 1 --min-s 1ms --timeout-s LIMIT
2 steps recorded, 1 of 2 new ones ok
  next: assay validate hang

$ assay validate hang | sed -E 's/ ([0-9.e-]+|–) +[0-9]+ of [0-9]+ / RATIO JUDGED /; s/  +/  /g; s/within [0-9.]+ s, last in phase [a-z]+/within LIMIT, last in phase …/'
verdict  assurance  error/bound  judged  case  backend  why
pass  full  RATIO JUDGED  gemm/m=8,n=9,k=10  template:host
not_checked  none  RATIO JUDGED  gemm/m=8,n=9,k=10  chaos:imp  timeout: no answer within LIMIT, last in phase …
1 passed, 0 failed, 1 not checked

$ sed -E 's/.*"backend":"([^":]*).*"status":"([a-z_]+)".*/\1 \2/' hang/records.jsonl
template ok
chaos timeout

# when nothing ran, that is the exit status; what happened is recorded all the same
$ assay run gemm/m=8,n=9,k=10 --backend chaos,mode=crash --launches 1 --min-s 1ms -o crash --quiet
crash
~ assay: no step is ok; the first: [1/1] chaos:imp gemm/m=8,n=9,k=10 crashed: 
? 3

$ sed -E 's/.*"reason":"([^"]*)".*/\1/' crash/records.jsonl
worker killed by SIGSEGV (Segmentation fault) in phase warm

$ assay validate crash | tail -1
0 passed, 0 failed, 1 not checked
? 5

# an honest one among them passes
$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend chaos,mode=honest -o honest --quiet
honest

@skip asan: the sanitizer keeps freed memory for a while, which reads as growth
$ assay validate honest | tail -1
3 passed, 0 failed, 0 not checked

# a device that computes nothing has nothing to check: all of suite quick
$ assay run quick --backend null --launches 1 --min-runs 2 --min-s 0 -o null --quiet && assay validate null | sed -nE 's/^([a-z_]+) .*(computes no values)$/\1 \2/p; $p' | sort | uniq -c
null
      1 0 passed, 0 failed, 25 not checked
     25 not_checked computes no values
? 5

# nothing is left behind but the run folders
$ ls
a
crash
err
hang
honest
null
out
slow
