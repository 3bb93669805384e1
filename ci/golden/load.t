# Work that arrives: a case ends in its scenario. Counts are exact, times are not looked at.
$ assay run gemm/m=8,n=9,k=10@server/qps=2000,min_queries=60,min_duration_s=0,latency_ms=10000 gemm/m=8,n=9,k=10@single_stream/min_queries=70,min_duration_s=0 gemm/m=8,n=9,k=10@multi_stream/min_queries=10,min_duration_s=0 gemm/m=8,n=9,k=10@offline/min_queries=80,min_duration_s=0 gemm/m=8,n=9,k=10@concurrency/in_flight=1,min_queries=90,min_duration_s=0 gemm/m=8,n=9,k=10@concurrency/in_flight=4,min_queries=90,min_duration_s=0 gemm/m=8,n=9,k=10@burst/burst=5,period_ms=1,min_queries=20,min_duration_s=0 --backend template --launches 1 -o load --quiet
load

$ sed -nE 's/.*@([a-z_]+)[^"]*".*"completed":([0-9]+).*"executions":([0-9]+),"failed":([0-9]+).*"issued":([0-9]+).*/\1 issued \5 = completed \2 + failed \4, executions \3/p' load/records.jsonl
server issued 60 = completed 60 + failed 0, executions 60
single_stream issued 70 = completed 70 + failed 0, executions 70
multi_stream issued 10 = completed 10 + failed 0, executions 80
offline issued 80 = completed 80 + failed 0, executions 80
concurrency issued 90 = completed 90 + failed 0, executions 90
concurrency issued 90 = completed 90 + failed 0, executions 90
burst issued 20 = completed 20 + failed 0, executions 20

$ assay validate load | tail -1
7 passed, 0 failed, 0 not checked

$ assay report load --format html,md,csv && grep -c '<h2>Under load</h2>' load/report/index.html && grep -o 'no rule is broken' load/report/index.html | sort -u
load/report/index.html
load/report/report.zh.html
load/report/report.md
load/report/report.zh.md
load/report/report.csv
1
no rule is broken

# what the names must not say
$ assay show gemm@server/qps=-1
! assay: scenario server: qps must be a number from 0 to 1000000000, got '-1' (while reading case 'gemm@server/qps=-1')
? 2

$ assay show gemm@offline/max_batch=4
! assay: workload gemm has no parameter 'batch': max_batch must be 1, got 4 (while building case 'gemm/dtype=f32,k=1024,m=1024,n=1024,transpose_a=false,transpose_b=false@offline/batch_delay_ms=0,buc')
? 2

# sizes of batch that cannot be
$ assay show resnet50@server/max_batch=8,buckets=4+2
! assay: buckets=4+2: sizes must rise, and 2 comes behind 4 (while reading scenario server, reading case 'resnet50@server/max_batch=8,buckets=4+2')
? 2

$ assay show resnet50@server/max_batch=8,buckets=1+16
! assay: buckets=1+16: 16 is more than max_batch=8 (while reading scenario server, reading case 'resnet50@server/max_batch=8,buckets=1+16')
? 2

$ assay show resnet50@server/max_batch=8,buckets=0
! assay: buckets=0: a bucket of 0 samples holds nothing (while reading scenario server, reading case 'resnet50@server/max_batch=8,buckets=0')
? 2

$ assay show resnet50@server/max_batch=8,buckets=some
! assay: buckets must be none, powers, or sizes joined by '+'; got 'some'; as in buckets=1+2+4,max_batch=8 (while reading scenario server, reading case 'resnet50@server/max_batch=8,buckets=some')
? 2

$ assay show resnet50@server/qps=40,max_batch=0
! assay: max_batch=0 finds the batch that has the highest rate: only of a server with qps=0 (while reading scenario server, reading case 'resnet50@server/qps=40,max_batch=0')
? 2

$ assay show shapes.learn@server
! assay: shapes.learn is trained, one step after another: no scenario (while reading case 'shapes.learn@server')
? 2

$ assay show gemm@server/qps=0,latency_ms=0
! assay: qps=0 finds the highest rate within a limit, and latency_ms=0 sets none (while reading scenario server, reading case 'gemm@server/qps=0,latency_ms=0')
? 2

$ printf 'scheduled_ns\n5\n3\n' >falls.csv; assay run gemm/m=8@trace/trace=falls.csv --backend template -o falls
! assay: falls.csv:3: times must not fall, 3 ns comes after 5 ns
? 2

$ assay show gemm@server/qps=1e10
! assay: scenario server: qps must be a number from 0 to 1000000000, got '1e10' (while reading case 'gemm@server/qps=1e10')
? 2

$ printf 'scheduled_ns\n-5\n' >negative.csv; assay run gemm/m=8@trace/trace=negative.csv --backend template -o falls
! assay: negative.csv:2: scheduled_ns must be a whole number that is not negative or absurd, got '-5'
? 2

$ assay run gemm/m=8@trace/trace=none.csv --backend template -o falls
~ assay: cannot open 'none.csv'
? 2

# a device that never completes: its time is over, the query in flight has failed, and none is dropped
$ assay run gemm/m=160,n=160,k=160@single_stream/min_queries=500,min_duration_s=0,performance_samples=8 --backend chaos,mode=hang,after=100 --launches 1 --timeout-s 3s -o hang --quiet; sed -nE 's/.*"completed":([0-9]+).*"failed":([0-9]+).*"issued":([0-9]+).*"status":"([a-z]+)".*/\4: \3 = \1 + \2/p' hang/records.jsonl | awk '{ print $1, ($2 == $4 + $6 && $6 == 1 && $4 > 0) ? "issued = completed + 1 failed" : $0 }'
hang
timeout: issued = completed + 1 failed

# a device that misbehaves under load: none of six passes
$ assay run gemm/m=16,n=16,k=16@single_stream/min_queries=500,min_duration_s=0 gemm/m=16,n=16,k=16@concurrency/min_queries=500,min_duration_s=0 --backend chaos,mode=silent --backend chaos,mode=cached --backend chaos,mode=honest_when_validated --launches 1 -o chaos --quiet; assay validate chaos --quiet | tail -1
chaos
0 passed, 6 failed, 0 not checked
? 1

# a program for each size of batch, all over the same weights, each with a witness that is judged
$ assay run conv/batch=1,channels=4,filters=4,height=6,width=6@offline/min_queries=45,min_duration_s=0,max_batch=4,buckets=powers --backend reference --launches 1 -o buckets --quiet; ls buckets/witness | sed 's/.*\.//' | sort; sed -nE 's/.*"buckets":\[\{"executions":([0-9]+),"samples":([0-9]+).*\{"executions":([0-9]+),"samples":([0-9]+)\}\].*/\1 of \2, \3 of \4/p' buckets/records.jsonl
buckets
batch1
batch2
bin
1 of 1, 11 of 4

$ assay validate buckets | tail -1
1 passed, 0 failed, 0 not checked

$ grep -o '3 programs judged' buckets/verdicts.jsonl
3 programs judged

$ assay run conv/batch=1,channels=4,filters=4,height=6,width=6@offline/min_queries=45,min_duration_s=0,max_batch=4,buckets=powers --backend chaos,mode=wrong --launches 1 -o wrong --quiet; assay validate wrong 2>/dev/null | tail -1
wrong
0 passed, 1 failed, 0 not checked
? 1
