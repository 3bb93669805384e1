# Who computes only when he is looked at, and who answers from memory. Speeds are not looked at: machines are busy.
$ assay run gemm/m=64,n=64,k=64@single_stream/min_queries=200,min_duration_s=0 --backend chaos --backend chaos,mode=remembers --backend chaos,mode=honest_when_validated,after=100,cheat=0.5 --launches 1 -o a --quiet
a

$ assay audit a --test TEST01 --quiet | sed -nE 's/^([a-z]+) +TEST01 +outputs .* (all of|[0-9]+ of) .*/\1 \2/p' | sed -E 's/[0-9]+/N/'
pass all of
pass all of
fail N of
? 1

# always right, and still found: what it never saw takes longer
$ assay audit a --test TEST04 --quiet --json | sed -n '/seen inputs/,/"value"/p; /"backend"/p' | grep -oE 'mode=[a-z_]+|"value": -?[0-9]' | paste - - | grep -v validated | sed -E 's/"value": [1-9]/gains/; s/"value": -?0/no gain/' | sort
mode=honest	no gain
mode=remembers	gains
? 1

$ ls a/audit; assay audit a --test TEST04 --quiet | tail -1
TEST01
TEST04
! assay: 'a/audit/TEST04' holds a run already; choose another folder, or go on with --resume
? 2

# nothing in the folder itself has changed, and the audit says how to repeat it
$ assay validate a --quiet | tail -1; grep -o '"repeat":"[^"]*"' a/audit/TEST01/records.jsonl | sort -u
2 passed, 1 failed, 0 not checked
"repeat":"assay audit a --test TEST01"

$ assay run decoder.serve/model=tiny-dense,batch=4,packed=32,tokens=100@concurrency/in_flight=4,min_queries=110,min_duration_s=0+serving/prompt=uniform-8-20,output=uniform-4-8,chunk=16 --launches 1 -o s --quiet && assay audit s --test TEST06 --quiet | sed -E 's/  +decoder.serve.* cpu:host  +/  /; 1d'
s
pass     TEST06  first token  100 of 100 requests begin as they do alone
pass     TEST06  end  100 of 100 requests have as many tokens as were asked for
pass     TEST06  vocabulary  100 of 100 requests have tokens of the vocabulary only
1 passed, 0 failed, 0 not checked

# what cannot be audited
$ assay audit s --test TEST01
! assay: TEST01 audits cases with queries that ran on a real clock and ended well, and the run has none
? 3

$ assay audit a --test TEST05
! assay: test must be one of TEST01, TEST04, TEST06; got 'TEST05'; did you mean 'TEST01'? (while reading option '--test')
? 2

$ assay audit
! assay: audit needs a run folder: assay audit out/load --test TEST01
? 2
