# A run folder is what is printed; progress is on standard error, a plain line a case where it is no terminal.
$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template -o a 2>err
a

$ sed -E 's/[0-9.]+ (n|µ|m)?s spread [0-9.]+ %/TIME/; s/ ETA .*//' err
[1/3] template gemm/m=8,n=9,k=10 TIME
[2/3] template elementwise/op=relu,elements=200 TIME
[3/3] template softmax/rows=4,columns=33 TIME
3 steps recorded, 3 of 3 new ones ok
  next: assay validate a

$ ls a | tr '\n' ' '
lock log.txt manifest.json plan.json records.jsonl samples suite.json trace witness

$ wc -l <a/records.jsonl
3

$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template -o quiet --quiet
quiet

$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend null -o quiet2 --quiet 2>&1 >/dev/null

# without -o: out/<suite>, or out/cases
$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend null --quiet; assay run gemm/m=4,n=4,k=4 --launches 1 --min-s 1ms --backend null --quiet
out/tiny
out/cases

# several cases, several back ends, what is asked of the repeat; a case that is named twice is run once
$ assay run gemm/m=4,n=4,k=4 reduce/rows=4,columns=4 gemm/n=4,m=4,k=4 --backend null --backend template --launches 2 --min-runs 4 --min-s 1ms -o b --quiet
b

$ sed -E 's/.*"backend":"([^"]*)","case":"([^"]*)".*"launch":([0-9]+).*"status":"([a-z_]+)".*/\3 \2 \1 \4/' b/records.jsonl
0 gemm/dtype=f32,k=4,m=4,n=4,transpose_a=false,transpose_b=false null:nothing,queues=1 ok
0 gemm/dtype=f32,k=4,m=4,n=4,transpose_a=false,transpose_b=false template:host,memory=4GiB ok
0 reduce/axis=1,columns=4,dtype=f32,op=sum,rows=4 null:nothing,queues=1 ok
0 reduce/axis=1,columns=4,dtype=f32,op=sum,rows=4 template:host,memory=4GiB unsupported
1 gemm/dtype=f32,k=4,m=4,n=4,transpose_a=false,transpose_b=false null:nothing,queues=1 ok
1 gemm/dtype=f32,k=4,m=4,n=4,transpose_a=false,transpose_b=false template:host,memory=4GiB ok
1 reduce/axis=1,columns=4,dtype=f32,op=sum,rows=4 null:nothing,queues=1 ok
1 reduce/axis=1,columns=4,dtype=f32,op=sum,rows=4 template:host,memory=4GiB unsupported

# the line that repeats a case repeats it
$ sed -nE '1s/.*"repeat":"([^"]*)".*/\1/p' b/records.jsonl
assay run gemm/dtype=f32,k=4,m=4,n=4,transpose_a=false,transpose_b=false --backend null:nothing,queues=1 --seed 1 --launches 2 --min-runs 4 --min-s 1ms

$ eval "$(sed -nE '1s/.*"repeat":"([^"]*)".*/\1/p' b/records.jsonl) -o again --quiet" && sed -nE '1s/.*"repeat":"([^"]*)".*/\1/p' again/records.jsonl
again
assay run gemm/dtype=f32,k=4,m=4,n=4,transpose_a=false,transpose_b=false --backend null:nothing,queues=1 --seed 1 --launches 2 --min-runs 4 --min-s 1ms

# a complete run that is gone on with runs nothing
$ cp a/records.jsonl before; assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template -o a --resume && cmp before a/records.jsonl
a
! 3 steps recorded (some earlier), 0 of 0 new ones ok
!   next: assay validate a

# a torn end is put aside and its step is run again
$ head -c -10 a/records.jsonl >torn && mv torn a/records.jsonl && assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template -o a --resume --quiet && wc -l <a/records.jsonl && wc -l <a/records.torn && head -2 before | cmp - <(head -2 a/records.jsonl)
a
3
1

# nothing is run over, nor into what is not ours
$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template -o a
! assay: 'a' holds a run already; choose another folder, or go on with --resume
? 2

$ mkdir mine && echo x >mine/file && assay run gemm/m=4 --backend null -o mine
! assay: 'mine' is not empty: it holds 'file'; choose another folder
? 2

$ assay run gemm/m=4 --backend null -o mine --resume
! assay: 'mine' is no run folder: it has no records.jsonl; a run that ended before its first case starts anew, without --resume
? 2

$ ls mine
file

$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend null -o a --resume
! assay: cannot go on with another plan: 'backends.0' was "template:host,memory=4GiB" and is "null:nothing,queues=1" now; repeat the command that began 'a', or choose another folder
? 2

$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template --seed 2 -o a --resume
! assay: cannot go on with another plan: 'suite.seed' was 1 and is 2 now; repeat the command that began 'a', or choose another folder
? 2

# nothing is begun when something is wrong: no folder is made
$ assay run
! assay: run needs a suite or cases: assay run quick, assay run gemm/m=64,n=64,k=64
? 2

$ assay run quik
! assay: there is no suite and no workload 'quik'; did you mean 'quick'?
? 2

$ assay run quick gemm
! assay: a suite is run by itself: 'quick' stands among 2 operands
? 2

$ assay run gemm gem
! assay: there is no suite and no workload 'gem'; did you mean 'gemm'?
? 2

$ assay run gemm --backend nul
! assay: there is no back end 'nul'; did you mean 'null'? (while opening 'nul')
? 2

$ assay run gemm --backend ''
! assay: option '--backend' must not be empty
? 2

$ assay run gemm --backend Null
! assay: 'Null' is no name of a back end; names are 1 to 63 of a-z, 0-9, '-', '_' (while asking back end 'Null' what it finds)
? 2

$ assay run gemm --backend null,queus=2
! assay: back end null: unknown option 'queus'; did you mean 'queues'? (while opening 'null,queus=2')
? 2

$ assay run gemm --backend null,queues=0
! assay: back end null: queues must be an integer from 1 to 64, got '0' (while opening 'null,queues=0')
? 2

$ assay run gemm --backend null,queues=1,queues=2
! assay: back end null: option 'queues' is given twice (while opening 'null,queues=1,queues=2')
? 2

$ assay run gemm --backend null:nothin
! assay: back end 'null' has no device 'nothin'; did you mean 'nothing'? (while opening 'null:nothin')
? 2

$ assay run gemm --backend null: 
! assay: no device after ':' (while reading the back end's name 'null:')
? 2

$ assay run gemm --backend 'null:"nothing'
! assay: the quoted device in "nothing has no closing quote (while reading the back end's name 'null:"nothing')
? 2

$ assay run gemm --backend null --backend null:nothing
! assay: back end 'null:nothing,queues=1' is named twice
? 2

$ assay run gemm --backend ./no-such-plugin.so
! assay: there is no plug-in './no-such-plugin.so' (while opening './no-such-plugin.so')
? 2

$ assay run gemm --backend ./mine/file
! assay: cannot load plug-in: ./mine/file: file too short (while opening './mine/file')
? 3

$ assay run gemm $(for i in $(seq 17); do echo --backend null,queues=$i; done)
! assay: more than 16 back ends, the next is 'null,queues=17'
? 2

$ assay run gemm --backend "$(printf 'null\ncpu')"
! assay: option '--backend' must be one line, got 'null\x0acpu'
? 2

$ assay run gemm --backned null
! assay: unknown option '--backned'; did you mean '--backend'?
? 2

# each name with its own dashes; that the list goes on is said
$ assay run gemm --xyzzyx 2>&1 | sed 's/resume.*, /resume, …, /'
assay: unknown option '--xyzzyx'; known: --backend, -o, --resume, …, --timeou…
? 2

$ assay run /etc/passwd
! assay: a case begins with the name of a workload, as gemm/m=64,n=64,k=64 does; the file of a suite ends in .json, that of a model in .onnx
? 2

$ assay run gemm -backend null
! assay: unknown option '-backend'; names of more than one letter have two dashes; '--' ends the options
? 2

$ assay run gemm --backend
! assay: option '--backend' needs a value
? 2

$ assay run gemm --backend --quiet
! assay: option '--backend' needs a value; a value that starts with two dashes is written --backend=--quiet
? 2

$ assay run gemm --quiet=maybe
! assay: quiet must be true or false, got 'maybe' (while reading option '--quiet')
? 2

$ assay run gemm --quiet --quiet
! assay: option '--quiet' is given twice
? 2

$ assay run gemm --launches 0
! assay: launches must be an integer from 1 to 1000, got '0' (while reading option '--launches')
? 2

$ assay run gemm --launches 1.5
! assay: launches must be an integer from 1 to 1000, got '1.5' (while reading option '--launches')
? 2

$ assay run gemm --min-s 3parsecs
! assay: min-s must be a time from 0s to 86400s, got '3parsecs'; write 1.5s, 20ms, 3us, 500ns, 10m or 2h; bare numbers are seconds (while reading option '--min-s')
? 2

$ assay run gemm --timeout-s 1ms
! assay: timeout-s must be a time from 50ms to 86400s, got '1ms' (while reading option '--timeout-s')
? 2

$ assay run gemm --seed -1
! assay: seed must be an integer from 0 to 9007199254740992, got '-1' (while reading option '--seed')
? 2

$ assay run gemm --seed 1 --seed 2
! assay: option '--seed' is given twice
? 2

$ assay run gemm --power nonsense -o powered
! assay: no meter 'nonsense'; cmd=COMMAND that prints watts, or file=PATH of watts (while reading option '--power')
? 2

$ ASSAY_DATA=no-such-folder assay run quick
! assay: cannot list 'no-such-folder/suites': No such file or directory (while looking for a suite 'quick')
? 2

$ assay run gemm -o ''
! assay: option '-o' must not be empty
? 2

$ ls -d powered
! ls: cannot access 'powered': No such file or directory
? 2

# a training step allocates nothing, and the record says what memory the device holds
$ assay run decoder.train/model=tiny-dense,tokens=16 --backend cpu --launches 1 --min-s 1ms --min-runs 8 -o step --quiet
step

@skip asan,tsan: a sanitizer replaces the allocator, so nothing is counted
$ for what in harness plugin; do grep -oE "\"${what}_allocations\":\{[^}]*\"value\":[0-9.]+" step/records.jsonl | sed 's/.*://'; done
0.0
0.0

$ grep -cE '"device_memory_share":\{"n":1,"value":[0-9]' step/records.jsonl
1

# some cases of a suite, as long and as often as it says
$ echo softmax/rows=4,columns=33 >some; assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --only some --backend template -o some-ran --quiet; grep -o '"repeat":"[^"]*"' some-ran/records.jsonl | sed 's/.*--seed/--seed/'
some-ran
--seed 1 --launches 1 --min-runs 8 --min-s 5ms --max-s 5s --timeout-s 60s"

$ echo softmax >other; assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --only other --backend template -o other-ran
~ 'softmax' of 'other' is no case of 'tiny'
? 2

$ : >none; assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --only none --backend template -o other-ran
~ 'none' names no case
? 2
