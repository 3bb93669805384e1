# Requests of tokens through continuous batching. What cannot be served is said before anything is opened.
$ assay run 'decoder.serve/model=tiny-dense,batch=4,packed=16,tokens=100@offline+serving/prompt=60,output=41' --backend cpu -o bad
? 2
! assay: a request of 60 + 41 tokens; the model's context has 100
$ assay run 'decoder.serve/model=tiny-dense,batch=4,packed=16,tokens=100@offline+serving/prompt=60,output=38,blocks=6' --backend cpu -o bad
? 2
! assay: a request of 60 + 38 tokens needs 7 cache blocks of 16 tokens; there are 6; give the cache more blocks, or the requests fewer tokens
$ assay run 'decoder.serve/model=tiny-dense,tokens=2000@offline' --backend cpu -o bad
? 2
! assay: tokens 2000; model 'tiny-dense' has a context of 256
$ assay run 'decoder.serve/model=tiny-dense@offline+serving/engine=vlm-class' --backend cpu -o bad
? 2
! assay: there is no description of a serving engine 'vlm-class'; did you mean 'vllm-class'?
$ assay run 'decoder.serve/model=tiny-dense@interactive/qps=0,ttft_ms=0,tpot_ms=0' --backend cpu -o bad
? 2
! assay: qps=0 finds the highest rate within limits, and none is set (while reading scenario interactive, reading case 'decoder.serve/model=tiny-dense@interactive/qps=0,ttft_ms=0,tpot_ms=0')
$ assay run 'decoder.serve/model=tiny-dense@server/max_batch=4' --backend cpu -o bad
? 2
~ max_batch=4: a serving engine makes the batches itself
$ assay run 'gemm@server+serving/chunk=4' --backend cpu -o bad
? 2
~ gemm has no engine to be served by: '+serving' is for phase serve
$ printf 'scheduled_ns,sample_index,prompt_tokens,output_tokens\n0,0,20,4\n5,1,90,20\n' >long.csv
$ assay run 'decoder.serve/model=tiny-dense,batch=4,packed=16,tokens=100@trace/trace=long.csv' --backend cpu -o bad
? 2
! assay: long.csv:3: 90 tokens of prompt and 20 of output are beyond the context of 100

# The last request that a cache of this size holds, in a trace; and a pool so short that sequences are pre-empted.
$ printf 'scheduled_ns,sample_index,prompt_tokens,output_tokens\n0,0,20,4\n5,1,90,7\n9,2,1,1\n' >trace.csv
$ assay run 'decoder.serve/model=tiny-dense,batch=4,packed=16,tokens=100@trace/trace=trace.csv+serving/blocks=6' --backend cpu --launches 1 -o trace --quiet
trace
$ grep -oE '"(issued|completed|failed)":[0-9]+' trace/records.jsonl
"completed":3
"failed":0
"issued":3
$ grep -oE 'of [0-9]+ requests served again alone [0-9]+ gave the same tokens' trace/records.jsonl
of 3 requests served again alone 3 gave the same tokens
$ assay run 'decoder.serve/model=tiny-dense,batch=4,packed=16,tokens=100@offline/min_queries=20,min_duration_s=0+serving/prompt=uniform-8-40,output=uniform-8-50,chunk=8,blocks=8' --backend cpu,batch_invariant=true --launches 1 -o short --quiet
short
$ grep -oE 'of [0-9]+ requests served again alone [0-9]+ gave the same tokens' short/records.jsonl
of 16 requests served again alone 16 gave the same tokens
$ grep -oE '"preemptions":\{[^}]*"value":[1-9]' short/records.jsonl | grep -o value
value
$ assay validate short --quiet | tail -1
1 passed, 0 failed, 0 not checked
$ assay report short --format html -o page >/dev/null
$ grep -c '<h2>Served requests</h2>' page/index.html
1
$ assay report trace --format csv -o trace.csv.out >/dev/null
$ grep -rhoE '(ttft_ns|tpot_p90_ns|goodput_per_s|tokens_equal_share)' trace.csv.out | sort -u
goodput_per_s
tokens_equal_share
tpot_p90_ns
ttft_ns

# A device whose memory loses a bit at each execution, but not while its step is looked at by itself: its tokens are others than those of
# the same requests alone, beyond what two right answers may differ by, and that alone fails it; honest, it passes. All requests are
# compared, so nothing is by chance.
$ assay run 'decoder.serve/model=tiny-dense,batch=4,packed=16,tokens=100@offline/min_queries=12,min_duration_s=0+serving/prompt=uniform-8-40,output=uniform-8-50,chunk=8,blocks=8' --backend chaos,mode=flip,cheat=1,after=20 --backend chaos --launches 1 -o chaos --quiet
chaos
$ assay validate chaos --quiet >said; echo $?; sed -nE 's/is [0-9.e-]+, and/is N, and/; s/at [0-9.e-]+ at most/at N at most/; s/^(pass|fail) .* chaos:imp,[^ ]*mode=([a-z]+)[^ ]* */\2 \1 /p; $p' said
1
flip fail served tokens are not those of requests alone: they part where the margin is N, and two right answers part at N at most
honest pass
1 passed, 1 failed, 0 not checked
$ sed -E 's/.*mode=([a-z]+).*"parting_margin":\{[^}]*"value":([^}]*)\}.*"tokens_equal_share":\{[^}]*"value":([^}]*)\}.*/\1 \2 \3/' chaos/records.jsonl | awk '{ print $1, ($2 > 0 ? "parts" : "does not part"), ($3 < 1 ? "some differ" : "all equal") }'
flip parts some differ
honest does not part all equal
