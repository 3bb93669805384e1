# A run for other programs. What MLPerf's rules have no place for is left out with its reason.
$ assay run gemm/m=8,n=8,k=8@single_stream/min_queries=70,min_duration_s=0 gemm/m=8,n=8,k=8 --launches 1 --min-runs 8 --min-s 1ms -o a --quiet
a

$ assay export a --format mlperf -o out; ls out
~ left out: gemm/dtype=f32,k=8,m=8,n=8,transpose_a=false,transpose_b=false@single_stream/
~ no benchmark of that round has its shape
~ the case has no scenario: nothing arrived
~ assay: no case of the run can be written as a log of MLPerf's: no benchmark of that round has its shape
~ ls: cannot access 'out'
? 2

$ assay export a --format junit -o a.xml && grep -cE '<testcase ' a.xml && grep -o 'skipped="2"' a.xml; assay export a --format openmetrics -o a.prom && tail -1 a.prom | tr -d '# ' && grep -c '^assay_latency_ns{' a.prom; assay export a --format jsonl -o a.jsonl && grep -c '"metric":"latency_ns"' a.jsonl
a.xml
2
skipped="2"
a.prom
EOF
2
a.jsonl
2

# a model's clock is no measurement
$ assay run resnet50.infer@offline/min_queries=10,min_duration_s=0 --backend model:h200 --launches 1 -o m --quiet; assay export m --format mlperf -o out
m
~ modelled, not measured: only what was measured on a real clock is written as a log
? 3

$ assay export a --format mlperf --submitter ../../x -o out
! assay: submitter and system name folders: letters, digits and -_.+, at most 100
? 2

$ assay export a --format mlperf -o a
! assay: 'a' is there already: an export is written into a folder of its own
? 2

$ assay export a --format mlperf --round v7.0 -o out
! assay: round must be one of v5.1, v6.1; got 'v7.0' (while reading option '--round')
? 2

$ assay export nowhere --format mlperf -o out
! assay: there is no run folder 'nowhere'
? 2
