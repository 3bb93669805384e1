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
0,0,508
1,18436540,553
2,23015776,2

$ assay schedule --scenario server --qps 100 --queries 3 --samples 43 --equal-issue --seed-set loadgen-v6.0
query,scheduled_ns,sample_index
0,0,8
1,1080629,11
2,7543987,34

# multi_stream: eight neighbours a query; what waits for completions has no times
$ assay schedule --scenario multi_stream --queries 10 --samples 1024
query,scheduled_ns,sample_index
0,0,678
0,0,266
0,0,573
0,0,278
0,0,241
0,0,816
0,0,958
0,0,576
1,0,935
1,0,222

# single_stream with equal issue: expected latency and least duration say how many permutations are prepared
$ assay schedule --scenario single_stream --queries 2 --samples 43 --equal-issue --min-duration 60 --expected-latency-ns 1000000
query,scheduled_ns,sample_index
0,0,33
1,0,26

# offline: one query, as long as 1.1 times the rate and the duration say, or the least number
$ assay schedule --scenario offline --qps 10 --min-duration 1 --min-queries 3 --samples 43 --queries 1000 | wc -l
12

$ assay schedule --scenario offline --qps 10 --min-duration 1 --min-queries 3 --samples 43 --equal-issue --queries 1000 | tail -n +2 | cut -d, -f3 | sort -un | wc -l
43

# a scenario can bring all its settings along
$ assay schedule --scenario burst/burst=2,period_ms=5,performance_samples=7 --queries 3
query,scheduled_ns,sample_index
0,0,2
1,0,2
2,5000000,2

# seeds of one's own
$ assay schedule --scenario server --qps 5 --seed-set case --seed 1 --queries 100 >a; assay schedule --scenario server --qps 5 --seed-set case --seed 1 --queries 100 >b; assay schedule --scenario server --qps 5 --seed-set case --seed 2 --queries 100 >c; cmp a b && ! cmp -s a c && echo differ
differ

$ printf 'scheduled_ns,sample_index,prompt_tokens,output_tokens\n0,5,100,20\n1000,6,4000,96\n' >trace.csv; assay schedule --scenario trace --trace trace.csv --context 4096
query,scheduled_ns,sample_index
0,0,5
1,1000,6

# ---- what is wrong: one clear line
$ assay schedule
! assay: schedule needs a scenario: assay schedule --scenario server --qps 100
? 2

$ assay schedule --scenario sever
! assay: unknown scenario 'sever'; did you mean 'server'?
? 2

$ assay schedule --scenario server --qps -5
! assay: scenario server: qps must be a number from 0 to 1000000000, got '-5'
? 2

$ assay schedule --scenario server --qps 1e300
! assay: scenario server: qps must be a number from 0 to 1000000000, got '1e300'
? 2

$ assay schedule --scenario server --qps 0
! assay: qps must be positive to make arrivals, got 0
? 2

$ assay schedule --scenario server --qps 1e-9
! assay: qps must be 0 or from 0.001 to 1000000000, got 1e-09 (while reading scenario server)
? 2

$ assay schedule --scenario server --samples 0
! assay: scenario server: performance_samples must be an integer from 1 to 100000000, got '0'
? 2

$ assay schedule --scenario server --samples 43 --total 42
! assay: total_samples=42 is less than performance_samples=43 (while reading scenario server)
? 2

$ assay schedule --scenario server --min-queries 12x
! assay: scenario server: min_queries must be an integer from 0 to 100000000000, got '12x'
? 2

$ assay schedule --scenario server --seed-set loadgen-v6.2
! assay: unknown seed set 'loadgen-v6.2'; did you mean 'loadgen-v6.0'? (while reading scenario server)
? 2

$ assay schedule --scenario server/burst=3
! assay: scenario server: unknown option 'burst'; known: qps, percentile, latency_ms, equal_issue, max_batch, buckets, batch_delay_ms, performance_samples, total_samples, min_queries, min_duration_s, max_duration_s, …
? 2

$ assay schedule --scenario single_stream --equal-issue --expected-latency-ns 0
! assay: scenario single_stream: expected_latency_ms must be a time from 1ns to 1000000s, got '0ns'
? 2

$ assay schedule --scenario trace
! assay: scenario trace: option 'trace' must be given: a CSV of scheduled_ns[,sample_index[,prompt_tokens,output_tokens]]
? 2

$ assay schedule --scenario trace --trace nowhere.csv
! assay: cannot open 'nowhere.csv': No such file or directory
? 2

$ printf 'scheduled_ns\n5\n4\n' >t.csv; assay schedule --scenario trace --trace t.csv
! assay: t.csv:3: times must not fall, 4 ns comes after 5 ns
? 2

$ printf 'scheduled_ns\n-5\n' >t.csv; assay schedule --scenario trace --trace t.csv
! assay: t.csv:2: scheduled_ns must be a whole number that is not negative or absurd, got '-5'
? 2

$ printf 'when\n5\n' >t.csv; assay schedule --scenario trace --trace t.csv
! assay: t.csv:1: this is no header of a trace; the first line is scheduled_ns[,sample_index[,prompt_tokens,output_tokens]]
? 2

$ printf 'scheduled_ns,sample_index\n5,43\n' >t.csv; assay schedule --scenario trace --trace t.csv --samples 43
! assay: t.csv:2: sample_index 43 is not below the 43 samples of the data set
? 2

$ assay schedule --scenario trace --trace trace.csv --context 4095
! assay: trace.csv:3: 4000 tokens of prompt and 96 of output are beyond the context of 4095
? 2

$ assay schedule server
! assay: schedule takes no operands, got 'server'
? 2

$ assay schedule --scenario server --qps 5 --queries 100000 >/dev/full
! assay: cannot write the result to standard output: No space left on device
? 2

# LoadGen prepares queries that wait at a constant period; with a rate it is printed
$ assay schedule --scenario single_stream --qps 300 --queries 3 --samples 1024 --seed-set loadgen-v6.0 | cut -d, -f1,2
query,scheduled_ns
0,0
1,3333333
2,6666666

$ assay schedule --scenario single_stream --qps fast --queries 3
! assay: qps must be a number from 1e-09 to 1000000000, got 'fast'
? 2
