# The documentation's examples, as printed. Suite "quick" is a tiny one here, and the curve of "promise" a point, so that they end soon.
$ mkdir -p build data/suites && cp "$(command -v assay)" build/assay && ln -s "$(dirname "$ASSAY_PROGRAM")/backends" build/backends && ln -s "$ASSAY_SOURCE/reports" "$ASSAY_SOURCE/backends" data && ln -s "$ASSAY_SOURCE/suites/models" "$ASSAY_SOURCE/suites/engines" data/suites && sed 's/"tiny"/"quick"/' "$ASSAY_SOURCE/ci/golden/data/tiny.json" >data/suites/quick.json && sed 's/min_queries=200/min_queries=20/; s/"scenario": \[ \("[^"]*"\),/"scenario": [ \1 ] }/; /qps=[248]0,/d; /qps=160,/d' "$ASSAY_SOURCE/suites/promise.json" >data/suites/promise.json && sed 's/min_queries=1600/min_queries=20/; s/"scenario": \[ \("[^"]*"\),/"scenario": [ \1 ] }/; /qps=\(160\|320\|640\|1280\),/d' "$ASSAY_SOURCE/suites/promise-system.json" >data/suites/promise-system.json && cp "$ASSAY_SOURCE/suites/cluster.json" data/suites
@skip asan,tsan: the examples of README.md run products of 512 x 512, which take minutes with a sanitizer
$ examples README.md
0 make run
0 make check
0 build/assay doctor
0 build/assay show gemm/m=512,n=512,k=512
0 build/assay run gemm/m=512,n=512,k=512 -o out/mine
0 build/assay validate out/mine
0 build/assay conformance build/backends/assay-template.so
0 build/assay probe numerics --backend cpu
0 build/assay probe repeat softmax/rows=64,columns=128
0 build/assay soak softmax/rows=64,columns=128 --for 2s -o out/soak
0 build/assay validate --backend cpu --level model decoder.prefill/model=tiny-dense
0 build/assay report out/model-cpu
0 build/assay list models
0 build/assay show bert.infer/size=base
0 build/assay plan inference
0 build/assay export decoder.prefill/model=tiny-dense -o out/tiny.safetensors
0 build/assay export decoder.prefill/model=tiny-dense --format npy -o out/tiny
0 build/assay run decoder.prefill/model=tiny-dense --weights out/tiny.safetensors --inputs out/tiny -o out/model
0 build/assay list scenarios
0 build/assay run 'gemm/m=64,n=64,k=64@server/qps=500,latency_ms=5,min_duration_s=1s' -o out/load
0 build/assay audit out/load --test TEST01
0 build/assay export out/load --format junit -o out/load.xml
0 build/assay schedule --scenario server --qps 100 --queries 5
0 build/assay list devices
0 build/assay spec show m100
0 build/assay run gemm --backend m100 --backend h200 -o out/chips
0 build/assay breakeven --device m100 --against h200 --workload gemm/dtype=bf16
0 build/assay run cluster --backend tianchi512 --backend dgx-h100 -o out/clusters
0 build/assay search decoder.train/model=ernie-5-class-2.4t,batch=64,tokens=4096 --backend tianchi512
0 build/assay search decoder.serve/model=ernie-5-class-2.4t --backend tianchi512 --demand 10
5 build/assay qualify --policy inference-service out/mine -o out/decision
0 build/assay report out/mine --policy inference-service --format xlsx -o out/paper
0 build/assay bundle out/mine --policy inference-service -o out/mine.bundle
0 build/assay verify out/mine.bundle
0 build/assay export decoder.prefill/model=tiny-dense --format onnx -o out/tiny.onnx
0 build/assay run out/tiny.onnx --backend cpu -o out/imported
0 build/assay validate --backend cpu --vectors /usr/share/libonnx-testdata/data

$ ASSAY_DATA=data examples backends/chaos/README.md
0 assay run quick --backend chaos,mode=silent -o out/silent
1 assay validate out/silent
0 assay run quick --backend chaos,mode=honest_when_validated,cheat=0.05 -o out/cheat
1 assay validate --backend chaos,mode=node,node=model.norm --level model decoder.prefill/model=tiny-dense

$ ASSAY_DATA=data examples backends/null/README.md
0 assay run quick --backend null -o out/null
0 assay run quick --backend null,queues=4 -o out/null4

$ examples backends/cpu/README.md
0 assay run gemm/m=64,n=64,k=64 --backend cpu -o out/gemm
0 assay run gemm/m=64,n=64,k=64 --backend cpu,blas=own,vectors=128 -o out/own
0 assay validate out/own

$ examples backends/emulate/README.md
0 assay run gemm/dtype=f16,m=64,n=64,k=512 --backend emulate,unit=fp16-fp16 -o out/emulated
1 assay validate out/emulated
1 assay probe numerics --backend emulate,unit=tensorcore-aligned --dtype f16

$ ASSAY_DATA=data assay run quick --backend template -o out/quick --quiet
out/quick

$ cp -r out/quick out/a && cp -r out/quick out/b

$ printf 'round,division,submitter,system,benchmark,metric,value,source_path\nv4.1,closed,Somebody,Box,bert-99,samples/s,28275.70,where/it/lies\n' >published.csv; ASSAY_DATA=data examples reports/README.md
0 assay report out/quick
0 assay report out/quick --format md,csv,json
0 assay report out/a out/b -o both
0 assay report out/quick --policy inference-service --claims p800-bandwidth --format html,xlsx -o out/decided
0 assay import mlperf published.csv --retrieved 2026-11-27 -o mlperf.json
0 assay report out/quick --mlperf mlperf.json -o out/beside
0 assay bundle key -o mine.key
0 assay bundle out/quick --policy inference-service --key mine.key -o quick.bundle
0 assay verify quick.bundle --key mine.key.pub

@skip asan,tsan: twenty pictures of ResNet-50, which take minutes with a sanitizer
$ examples reports/mlperf/README.md
0 assay run 'resnet50.infer@offline/min_queries=16,min_duration_s=0' --launches 1 -o out/r
0 assay export out/r --format mlperf --submitter ORG --status available --system-type edge -o out/submission

$ examples suites/weights/README.md
0 assay export decoder.prefill/model=tiny-dense -o w.safetensors
0 assay export decoder.prefill/model=tiny-dense --format npy -o in
0 assay run decoder.prefill/model=tiny-dense --weights w.safetensors --inputs in --launches 1 -o out/files
0 assay validate out/files

$ examples suites/README.md
0 assay show decoder.train/model=tiny-ranks,batch=4,tokens=8,dp=2,tp=2
0 assay list models
0 assay show decoder.prefill/model=llama-3.1-8b
0 assay plan inference
0 assay plan training
0 assay export decoder.decode/model=tiny-dense -o tiny.safetensors
0 assay export decoder.decode/model=tiny-dense --format npy -o tiny
0 assay run decoder.decode/model=tiny-dense --weights tiny.safetensors --inputs tiny --launches 1 -o out/decode
0 assay validate out/decode

$ examples backends/model/README.md
0 assay run gemm --backend m100 --backend p800 --backend h200 --backend ascend-910c -o out/rivals
0 assay report out/rivals -o out/rivals/report
0 assay run resnet50.infer --backend model:h200-sxm,precision=bf16 -o out/resnet50
0 assay spec show m100

@skip asan,tsan: thirty modelled systems, which take minutes with a sanitizer
$ examples backends/cluster/README.md
0 assay run cluster --backend tianchi512 --backend dgx-h100 -o out/systems
0 assay report out/systems -o out/systems/report
0 assay run decoder.train/model=gpt-3-175b,batch=2048,tokens=2048 --backend cluster:dgx-h100,devices=256,dtype=f8e4m3 -o out/gpt3
0 assay search decoder.train/model=gpt-3-175b,batch=2048,tokens=2048 --backend dgx-h100

$ examples harness/judge/history/README.md
0 assay validate out/quick
0 assay history add out/quick --db out/history.db
0 assay history check --db out/history.db
0 assay history trend --db out/history.db

$ ASSAY_DATA=data examples reports/policies/README.md
0 assay policy check inference-service
5 assay qualify --policy inference-service out/quick -o out/decision
5 assay qualify --policy inference-service out/quick --claims p800-bandwidth --lang zh -o out/decision-zh

# no README has examples that are not run here; those of ci/ are fuzzing and PyTorch, which have targets of their own
$ cd "$ASSAY_SOURCE" && grep -lE '^    ((build/)?assay [a-z]|make [a-z]|ci/[a-z])' $(find . -path ./build -prune -o -path ./out -prune -o -name README.md -print) | sort
./README.md
./backends/chaos/README.md
./backends/cluster/README.md
./backends/cpu/README.md
./backends/emulate/README.md
./backends/model/README.md
./backends/null/README.md
./ci/README.md
./ci/oracle/README.md
./harness/judge/history/README.md
./harness/run/README.md
./reports/README.md
./reports/mlperf/README.md
./reports/policies/README.md
./suites/README.md
./suites/weights/README.md

# examples within the text
$ ci=$ASSAY_SOURCE/ci; "$ci/setup" run --print | grep -vE '^(sudo )?apt-get install ' 
? 1

$ assay list suites >/dev/null && assay list workloads >/dev/null && assay help run >/dev/null && assay man >/dev/null

$ assay show gemm/dtype=f32,k=64,m=64,n=64 | head -2
case      gemm/dtype=f32,k=64,m=64,n=64,transpose_a=false,transpose_b=false
id        c4974c8edd098866

$ assay run gemm/m=4,n=4,k=4 --backend template:host,memory=64MiB --backend ./build/backends/assay-null.so --launches 1 --min-s 1ms -o out/named --quiet
out/named

# what `make run` does once everything is built
@skip asan,tsan: first-run is of the release build
$ ASSAY_DATA=data "$ASSAY_SOURCE/ci/first-run" out/first 2>/dev/null | tail -1
report: out/first/report/index.html
@skip asan,tsan: first-run is of the release build
$ ASSAY_DATA=data "$ASSAY_SOURCE/ci/first-run" out/first 2>&1 >/dev/null | grep -c '^the earlier run is kept in'
4

# what a system gives is what its record says of a device, neither multiplied nor divided by how many there are
@skip asan,tsan: first-run is of the release build
$ jq '.candidates[] | select(.candidate == "Kunlun Tianchi256") | .at_promise_per_s.low' out/first/decision/decision.json >promised; jq '.metrics.tokens_per_s.low' out/first-part/records.jsonl | grep -cFxf promised
1

# harness/store/README.md: a line of the records is checked with nothing but sed and sha256sum
$ cd out/quick; [ "$(sed -n 3p records.jsonl | sed 's/,"sha256":"[0-9a-f]*"}$/}/' | sha256sum | cut -c1-64)" = "$(sed -nE '3s/.*"sha256":"([0-9a-f]*)"\}$/\1/p' records.jsonl)" ] && [ "$(sed -n 2p records.jsonl | sha256sum | cut -c1-64)" = "$(sed -nE '3s/.*"before":"([0-9a-f]*)".*/\1/p' records.jsonl)" ]

# backends/README.md: a back end in a weekend begins with a copy that works
$ mkdir copy && cd "$ASSAY_SOURCE" && cp -r Makefile ci backends harness reference reports suites "$OLDPWD/copy" && cd "$OLDPWD/copy" && make -s new-backend NAME=mine
backends/mine: edit what is marked DEVICE

$ cd copy && ls backends/mine backends/mine/tests | tr '\n' ' ' && grep -rli template backends/mine
backends/mine: README.md backend.mk kernels.c kernels.h mine.c steps.c steps.h tests  backends/mine/tests: test_mine.c
? 1

$ cd copy && config=${GOLDEN_BUILD/plain/release} && make -s CONFIG=$config build/$config/backends/assay-mine.so >/dev/null && assay conformance build/$config/backends/assay-mine.so -o conformance --timeout-s 60s --quiet | tail -1 | sed -E 's/^[0-9]+ passed/N passed/; s/[0-9]+ not/N not/'
N passed, 0 failed, N not checked

$ cd copy && ASSAY_BACKEND_PATH=build/${GOLDEN_BUILD/plain/release}/backends ASSAY_DATA=../data assay run quick --backend mine --quiet
out/quick

$ cd copy && make -s new-backend NAME=mine 2>&1 | sed -n 1p
backends/mine is there already
? 2

$ cd copy && make -s new-backend NAME=../mine 2>&1 | sed -n 1p
usage: make new-backend NAME=x (a-z, 0-9, _)
? 2

# every link of every README leads somewhere, every script and makefile target it names is there
$ readme-links

$ cd "$ASSAY_SOURCE" && sed '/^## /q' ci/README.md | sed -nE 's/^\| (`.*`) \|.*/\1/p' | grep -oE '`[a-z/*.-]+' | tr -d '`' | grep -vE "^(build/|fuzz)" | while read -r f; do ls -d ci/$f >/dev/null; done

$ cd "$ASSAY_SOURCE" && make -n NAME=x $(make -s help | grep -oE '(^| )make [a-z-]+|\| (tsan|lint)' | grep -oE '[a-z-]+$' | sort -u) >/dev/null

# the exit statuses of the top README are those of the program
$ [ "$(sed -n '/^## Exit status/,$p' "$ASSAY_SOURCE/README.md" | sed -n '3p' | sed 's/ · /, /g; s/\.$//')" = "$(assay help | sed -n 's/^exit status: //p')" ]
