# the rows of LoadGen 6.0.17 (ci/oracle/loadgen.txt has thousands of each scenario)
$ assay schedule --scenario server --qps 100 --queries 4 --samples 1024 --min-queries 100 --seed-set loadgen-v6.1
query,scheduled_ns,sample_index
0,0,784
1,18436540,618
2,23015776,960
3,35874399,248

# the size of the data set moves nothing; the least number of queries moves the samples, not the times
$ assay schedule --scenario server --qps 100 --queries 3 --samples 1024 --total 50000 --min-queries 20000 --seed-set loadgen-v6.1
query,scheduled_ns,sample_index
0,0,SAMPLES

$ assay schedule --scenario server --qps 100 --queries 3 --samples 43 --equal-issue --seed-set loadgen-v6.0
query,scheduled_ns,sample_index

# multi_stream: eight neighbours a query; what waits for completions has no times
$ assay schedule --scenario multi_stream --queries 10 --samples 1024
query,scheduled_ns,sample_index

# single_stream with equal issue: expected latency and least duration say how many permutations are prepared
$ assay schedule --scenario single_stream --queries 2 --samples 43 --equal-issue --min-duration 60 --expected-latency-ns 1000000
query,scheduled_ns,sample_index

# offline: one query, as long as 1.1 times the rate and the duration say, or the least number
$ assay schedule --scenario offline --qps 10 --min-duration 1 --min-queries 3 --samples 43 --queries 1000 | tail -2

$ assay schedule --scenario offline --qps 10 --min-duration 1 --min-queries 3 --samples 43 --equal-issue --queries 1000 | tail -n +2 | cut -d, -f3 | sort -un | wc -l
43

# a scenario can bring all its settings along
$ assay schedule --scenario burst/burst=2,period_ms=5,performance_samples=7 --queries 3
query,scheduled_ns,sample_index

# seeds of one's own
$ assay schedule --scenario server --qps 5 --seed-set case --seed 1 --queries 100 >a; assay schedule --scenario server --qps 5 --seed-set case --seed 1 --queries 100 >b; assay schedule --scenario server --qps 5 --seed-set case --seed 2 --queries 100 >c; cmp a b && ! cmp -s a c && echo differ
differ

$ printf 'scheduled_ns,sample_index,prompt_tokens,output_tokens\n0,5,100,20\n1000,6,4000,96\n' >trace.csv; assay schedule --scenario trace --trace trace.csv --context 4096
query,scheduled_ns,sample_index
0,0,5
1,1000,6

# ---- what is wrong: one clear line
$ assay schedule
? 2

$ assay schedule --scenario sever
? 2

$ assay schedule --scenario server --qps -5
? 2

$ assay schedule --scenario server --qps 1e300
? 2

$ assay schedule --scenario server --qps 0
? 2

$ assay schedule --scenario server --qps 1e-9
? 2

$ assay schedule --scenario server --samples 0
? 2

$ assay schedule --scenario server --samples 43 --total 42
? 2

$ assay schedule --scenario server --min-queries 12x
? 2

$ assay schedule --scenario server --seed-set loadgen-v6.2
? 2

$ assay schedule --scenario server/burst=3
? 2

$ assay schedule --scenario single_stream --equal-issue --expected-latency-ns 0
? 2

$ assay schedule --scenario trace
? 2

$ assay schedule --scenario trace --trace nowhere.csv
? 2

$ printf 'scheduled_ns\n5\n4\n' >t.csv; assay schedule --scenario trace --trace t.csv
? 2

$ printf 'scheduled_ns\n-5\n' >t.csv; assay schedule --scenario trace --trace t.csv
? 2

$ printf 'when\n5\n' >t.csv; assay schedule --scenario trace --trace t.csv
? 2

$ printf 'scheduled_ns,sample_index\n5,43\n' >t.csv; assay schedule --scenario trace --trace t.csv --samples 43
? 2

$ assay schedule --scenario trace --trace trace.csv --context 4095
? 2

$ assay schedule server
? 2

$ assay schedule --scenario server --qps 5 --queries 100000 >/dev/full
! assay: cannot write the result to standard output: No space left on device
? 2
