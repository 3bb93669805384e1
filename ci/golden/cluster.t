# A described system trains a decoder: the best plan that fits, a step with its range, what it rests on. Nothing is timed.

$ assay run decoder.train/model=gpt-3-175b,batch=1536,tokens=2048 --backend dgx-h100 --backend tianchi512 --launches 1 -o out 2>&1 | sed -E 's/ [0-9.]+ s to [0-9.]+ s/ A to B/; s/ [0-9.]+ s( |$)/ A\1/; s/ ETA.*//'
assay: dgx-h100 is cluster:dgx-h100, calculated from its description
assay: tianchi512 is cluster:tianchi512, calculated from its description
[1/2] cluster:dgx-h100 decoder.train/model=gpt-3-175b,batch=1536,tokens=2048 A
[2/2] cluster:tianchi512 decoder.train/model=gpt-3-175b,batch=1536,tokens=2048 A to B
2 steps recorded, 2 of 2 new ones ok
  next: assay validate out
out

# of a system whose links are only known as a range there is no point, anywhere in its record
$ jq -r 'select(.backend | startswith("cluster:tianchi512")) | [.grade, .metrics.latency_ns.value, .metrics.items_per_s.value, .metrics.energy_joules.value, .metrics.trillion_items_ns.value, ([.counters[] | select(.name | test("^(step_|power|goodput|energy)")) | .value] | unique)] | @json' out/records.jsonl
["D",null,null,null,null,[null]]

# parts add up to the step, in the middle of a system that has one; memory's groups stay within the device's
$ jq -r 'select(.backend | startswith("cluster:dgx-h100")) | def of($p): [.counters[] | select(.name | startswith($p)) | .value] | add; (of("step_") / .metrics.latency_ns.value * 100 | round), (([.counters[] | select(.name | test("^memory_") and (test("capacity") | not)) | .value] | add) < of("memory_capacity")), ([.counters[] | select(.name | test("^plan_(tp|cp|dp|pp)$")) | .value] | reduce .[] as $x (1; . * $x)), .grade' out/records.jsonl
100
true
1024
B

# what does not fit says by how much, and what would make it fit
$ assay run decoder.train/model=ernie-5-class-2.4t,batch=64,tokens=4096 --backend cluster:kunlun-32 --launches 1 -o small 2>&1 | sed -n 's/.*unsupported: of [0-9]* \(plans none fits; the nearest needs\).*\(would fit\|nothing short\).*/of N \1 … \2 …/p'; jq -r .status small/records.jsonl
of N plans none fits; the nearest needs … nothing short …
unsupported

$ assay run gemm/m=64,n=64,k=64 --backend cluster:dgx-h100 --launches 1 -o none 2>&1 | grep -o 'the graph is no decoder: .*'
the graph is no decoder: it has no model.embed_tokens.weight
? 3

$ assay run decoder.train/model=tiny-ranks,batch=4,tokens=16,tp=2 --backend cluster:dgx-h100 --launches 1 -o ranks 2>&1 | grep -o 'spread over ranks already.*'
spread over ranks already; give the whole, and the system spreads it
? 3

# a buyer's numbers for a system
$ printf '{"format": "assay-system-spec/1", "system": "tianchi512", "by": "the vendor, under NDA", "tiers": {"scale-up": {"fields": {"link_bytes_per_s": {"value": 800e9, "provenance": "announced", "source": "offer 7"}}}}}' >offer.json; assay run decoder.train/model=gpt-3-175b,batch=1536,tokens=2048 --backend tianchi512 --spec offer.json --launches 1 -o offered --quiet; jq -r '.compiled | test("offer.json")' offered/records.jsonl
offered
true

$ assay run gemm --backend m100 --spec offer.json -o no
! assay: 'offer.json' is for system 'tianchi512', and no --backend is it
? 2

# the page: a table, shares of a step, memory, the pipeline's operations, equal terms, both kinds of scaling; and no point where none exists
$ assay run decoder.train/model=llama-3.1-8b,batch=256,tokens=4096 decoder.train/model=llama-3.1-8b,batch=128,tokens=4096 --backend cluster:dgx-h100,devices=64 --backend cluster:dgx-h100,devices=32 --backend tianchi256 --launches 1 -o sizes --quiet && assay report sizes -o page >/dev/null && sed -n '/<section id="clusters">/,/<.section>/p' page/index.html >section; grep -c '<table class="clusters">' section; grep -o '<h[35]>[A-Z][^<]*' section | sort | uniq -c | sed 's/^ *//'
sizes
9
1 <h3>Weak scaling
2 <h5>At equal count, equal power, equal price
2 <h5>Strong scaling
2 <h5>Use of links
2 <h5>What fills the fullest device's memory
2 <h5>Where a step's time goes

# the same as text: every line of a table has the cells of its head, and of tianchi256 each time is a range; in Chinese as well
$ assay report sizes -o page --format md >/dev/null && sed -n '/^### Clusters/,/^### Models/p' page/report.md >text; sed -n 's/^##### //p' text | sort | uniq -c | sed 's/^ *//'; grep -c '^#### Weak scaling' text; awk -F'|' '!/^\|/ { head = 0; next } !head { head = NF } NF != head { print "torn: " $0 }' text
2 At equal count, equal power, equal price
2 Strong scaling
2 Use of links
2 What fills the fullest device's memory
2 Where a step's time goes
1
$ grep 'cluster:tianchi256 | modelled, grade D' text | grep -cE '\| ◇ [0-9.]+ m?s – [0-9.]+ m?s \|'
2
$ sed -n '/^### 集群/,/^### /p' page/report.zh.md | grep -v '^####* ' | sed -E 's/(cluster:|decoder\.train)[^ ]*//g' | grep -oE '[a-zA-Z]{5,}' | sort -u
logits

# what links carry: on dgx-h100 both tiers, each busy for a part of the step and never beyond its rate; where there is one tier, that
$ jq -r '[(.backend | sub(",.*"; "")), ([.counters[] | select(.name | test("^link_.*_sent$")) | .name] | join(" ")), ([.counters[] | select(.name | test("^link_.*_share$")) | .low > 0 and .high <= 1] | all)] | @json' out/records.jsonl
["cluster:dgx-h100","link_scale-up_sent link_scale-out_sent",true]
["cluster:tianchi512","link_scale-up_sent",true]

# operations of the eight stages of the plan above, no more than can be told apart
$ assay report out -o drawn >/dev/null && sed -n '/<section id="clusters">/,/<.section>/p' drawn/index.html | grep -o '<rect class="[fbw]' | sort | uniq -c | awk '$1 > 300 && $1 < 1600 { print $NF }'
class="b
class="f

# every time of tianchi256 is a range
$ grep -A1 'cluster:tianchi256' section | grep -oE '<td class="num">[0-9.]+ [a-zµ]*s[^<]*' | grep -vc ' – '
0
? 1

# served by the engine as any device is: of a system of ranges each latency is a range
$ assay run 'decoder.serve/model=ernie-4.5-300b-a47b,batch=256,packed=2048,tokens=2048,weights=bf16,cache=bf16@interactive/qps=20,min_queries=100,min_duration_s=0,ttft_ms=2000,tpot_ms=50+serving/prompt=lognormal-500-0.472-1536,output=lognormal-50-0.518-200,chunk=512,demand_per_s=50' --backend tianchi512 --backend dgx-h100 --launches 1 -o served --quiet; jq -r '[.device.name, .metrics.ttft_ns.value != null, .metrics.ttft_ns.low < .metrics.ttft_ns.high, .metrics.tokens_per_s.low > 0, (.compiled | test("replicas of tp")), ([.counters[] | select(.name == "replicas") | .value] | .[0] > 1), .metrics.joules_per_token.low < .metrics.joules_per_token.high, .metrics.devices_for_demand.low > 0, ([.counters[] | select(.name == "devices") | .value] | .[0]) as $n | .metrics.goodput_per_s.low / $n / .metrics.goodput_per_device_s.low | tostring | .[0:6]] | @json' served/records.jsonl
served
["tianchi512",false,true,true,true,true,true,true,"1"]
["dgx-h100",true,true,true,true,true,true,true,"1"]
$ jq -r '[.device.name, ([.counters[] | select(.name | test("^link_")) | .value != null] | unique), ([.counters[] | select(.name | test("^link_.*_share$")) | .low > 0 and .low <= .high and .high <= 1] | all)] | @json' served/records.jsonl
["tianchi512",[false],true]
["dgx-h100",[true],true]
$ assay report served -o served-page --format html,md >/dev/null; sed -n '/<section id="served">/,/<.section>/p' served-page/index.html | tee served-section | grep -c '<h5>Use of links'; grep -c 'performance_samples' served-section; grep -c '<h5>What moves the time most' served-page/index.html; sed -n '/^### Served by systems/,/^### Under load/p' served-page/report.md | grep -cE '^\| cluster:(tianchi512|dgx-h100) \| scale-(up|out) \|'
1
0
2
3

# prompts on a quarter of the devices and further tokens on the rest: one system, two plans, counted together; one device has no parts
$ assay run 'decoder.serve/model=deepseek-v3,batch=256,packed=2048,tokens=2048,weights=bf16,cache=bf16@interactive/qps=20,min_queries=100,min_duration_s=0,ttft_ms=2000,tpot_ms=50+serving/prompt=lognormal-500-0.472-1536,output=lognormal-50-0.518-200,chunk=512,demand_per_s=50,prompt_share=0.25' --backend dgx-h100 --launches 1 -o apart --quiet; jq -r 'def of($n): [.counters[] | select(.name == $n) | .value] | .[0]; [of("devices"), of("further_devices"), of("handover_rate") > 0, (.compiled | test("further tokens: modelled")), (.load.served | test("prompts on 25 % of the devices")), .metrics.tpot_ns.low < .metrics.tpot_ns.high, (.metrics.goodput_per_s.low / .metrics.goodput_per_device_s.low | round), ([.influences[].name | split(": ")[0]] | unique), ([.influences[].share] | . == (sort | reverse))] | @json' apart/records.jsonl; jq -r '.backend' apart/records.jsonl | grep -c 'share=1'
apart
[256,768,true,true,true,true,1024,["further tokens","prompts"],true]
1
$ assay run 'decoder.serve/model=tiny-dense,batch=4,packed=16,tokens=128@server/qps=4,min_queries=4,min_duration_s=0+serving/prompt_share=0.5' --backend h200 --launches 1 -o none2 2>&1 | grep -o "back end 'model' is one device and has no parts"
back end 'model' is one device and has no parts
? 3
