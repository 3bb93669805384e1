# Whole models: on an honest device every node is within its own bound, and so are tokens and choices.
$ assay validate --backend cpu --level model decoder.prefill/model=tiny-dense,tokens=8 decoder.decode/model=tiny-mla,tokens=8 decoder.train/model=tiny-moe,tokens=8 >said; sed -E 's/^(pass|marginal)( +[^ ]+){3} +/\1 | /; s/  +layers: every node is within its own bound.*(\| tokens)/ | \1/; s/  +layers: every node is within its own bound.*/ | nodes/' said | tail -n +2
pass | decoder.prefill/model=tiny-dense,tokens=8 | nodes
pass | decoder.decode/model=tiny-mla,tokens=8 | | tokens: 5 of 5 choices are the reference's
pass | decoder.train/model=tiny-moe,tokens=8 | nodes
3 passed, 0 failed, 0 not checked; recorded in out/model-cpu

# a norm with a wrong epsilon is found and named, with what it added and what came to it
$ assay validate --backend chaos,mode=node,node=model.norm --level model decoder.prefill/model=tiny-dense,tokens=8 >said; status=$?; sed -E 's/  +/ | /g; s/[-+]?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?( \||$)/N\3/g; s/(diverge: ).*/\1…/' said; exit $status
verdict | nodes | node's error/bound | outputs' error/bound | case | why
fail | N | N | N | decoder.prefill/model=tiny-dense,tokens=N | layers: 'model.norm' (RMSNormalization, f32[1,64]) is the first to diverge: …

seen in a program whose inner values are outputs, which is not the program that was timed:
diverging node | op | shapes | error in | carried | added | out | added/bound | case
model.norm | RMSNormalization | f32[1,64] f32[64] -> f32[1,64] | N | N | N | N | N | decoder.prefill/model=tiny-dense,tokens=N
0 passed, 1 failed, 0 not checked; recorded in out/model-chaos_mode=node_node=model.norm
? 1

# the same in another layer, in a step of training, and by a scale; everything else about the device is right
$ for case in model.layers.1.input_layernorm:decoder.train/model=tiny-dense,tokens=8 model.layers.0.self_attn.attention:decoder.prefill/model=tiny-dense,tokens=8 layer3.0.bn1:resnet50.infer/image=32,width=4,classes=4; do assay validate --backend chaos,mode=node,node=${case%%:*},factor=2 --level model ${case#*:} | sed -nE "s/.*layers: '([^']*)' (\([^,]*),.* is the first( of [0-9]+ values)? to diverge.*/\1 \2)\3/p"; done
model.layers.1.input_layernorm (RMSNormalization)
model.layers.0.self_attn.attention (Attention)
layer3.0.bn1 (BatchNormalization)
? 1

# a fault that is there only while nobody looks: it goes when that node must be seen
$ assay validate --backend chaos,mode=fused_node,node=model.layers.1.input_layernorm --level model decoder.prefill/model=tiny-dense,tokens=8 | sed -nE "s/.*why$//; s/.*layers: ('[^']*') is [0-9.e+]+ times/\1 is N times/p; \$p"
'model.layers.1.self_attn.cache.values:next' is N times its bound, and within it where 46 inner values are outputs too: the fault is in what the device fuses, and goes when 'model.layers.1.input_layernorm' (RMSNormalization) must be seen
0 passed, 1 failed, 0 not checked; recorded in out/model-chaos_mode=fused_node_node=model.layers.1.input_layernorm
? 1

# sums in f16, sums that are cut: the first product, whatever it makes of the outputs
$ for unit in fp16-fp16 truncating bf16-fp32 fp32-fma; do assay validate --backend emulate,unit=$unit --level model decoder.prefill/model=tiny-dense,tokens=8 | sed -nE "s/.*layers: '([^']*)' \(([^,]*),.* is the first of ([0-9]+) values to diverge.*/$unit: \1 \2 \3/p; s/^(pass|marginal) .*/$unit: \1/p"; done
fp16-fp16: model.layers.0.self_attn.q_proj Gemm 17
truncating: model.layers.0.self_attn.q_proj Gemm 17
bf16-fp32: model.layers.0.self_attn.q_proj Gemm 17
fp32-fma: pass

# trained nets: choices on data they never saw, with counts, and tokens
$ for unit in fp32-fma fp16-fp16; do assay validate --backend emulate,unit=$unit --level model --json shapes.learn/filters=4,batch=32,max_steps=40,evaluate_every=40,evaluation_batches=1 >said; sed -nE '/"quality": \{/,/^ {6}\}/{s/^ {8}"(items|wrong|outcome)": "?([a-z0-9]+)"?,?/\1 \2/p}' said; done
items 32
outcome pass
wrong 0
items 32
outcome fail
wrong 0

$ assay validate --backend cpu --level model text.learn/batch=4,tokens=40,layers=1,hidden=32,max_steps=40,evaluate_every=40,evaluation_batches=1 | sed -nE "s/.*quality: ([0-9]+) of ([0-9]+) choices are the reference's; right are ([0-9]+) on the device, ([0-9]+) by the reference.*tokens: ([0-9]+) of ([0-9]+) choices.*/\1 of \2, right \3 as \4, tokens \5 of \6/p" | awk '{ print ($1 == $3 + 0 ? "all" : $0), ($5 + 0 == $7 + 0 ? "equal" : $0), ($9 == $11 ? "all" : $0) }'
all equal all

# what is kept is what --json prints, but for the time and the command
$ assay validate --backend cpu --level model -o kept decoder.prefill/model=tiny-dense,tokens=8 >said && assay validate --backend cpu --level model --json decoder.prefill/model=tiny-dense,tokens=8 >json; for f in json kept/model.json; do sed -n '/^  "cases": \[/,/^  \]/p' $f >${f%%.json}.cases; done; wc -l <json.cases | awk '{ print ($1 > 1000) }'; cmp json.cases kept/model.cases; sed -nE 's/^ {6}"(case|outcome)": (.*)/\1 \2/p; s/^  "(passed|failed)": (.*)/\1 \2/p' json
1
case "decoder.prefill/batch=1,block=16,cache=f32,chunks=1,cp=1,dp=1,ep=1,layers=0,model=tiny-dense,optimizer=adamw,packed=0,pp=1,recompute=none,schedule=gpipe,sp=false,tokens=8,tp=1,weights=f32,zero=0",
outcome "pass",
failed 0,
passed 1

# what fails in a run says what to type next, and that finds it
$ assay run decoder.prefill/model=tiny-dense,tokens=8 --backend chaos,mode=node,node=model.norm --launches 1 --min-runs 2 --min-s 1ms -o run --quiet && assay validate run >said 2>err; sed -n 's/^  next: //p' err
run
assay validate --level model --backend chaos:imp,after=-1,cheat=0.25,factor=100,mode=node,node=model.norm,param= decoder.prefill/model=tiny-dense,tokens=8

$ $(sed -n 's/^  next: //p' err) | sed -nE "s/.*layers: ('[^']*') .*/\1/p"
'model.norm'
? 1

# what computes no values, and what is too large, says so; crashes and silence are failures of the case
$ assay validate --backend null --level model decoder.prefill/model=tiny-dense,tokens=8 | sed -E 's/  +/ | /g'
verdict | nodes | node's error/bound | outputs' error/bound | case | why
not_checked | – | – | – | decoder.prefill/model=tiny-dense,tokens=8 | layers: the device computes no values
0 passed, 0 failed, 1 not checked; recorded in out/model-null
? 5

$ assay validate --backend cpu --level model decoder.prefill/model=llama-2-70b,tokens=1 | sed -E 's/  +/ | /g; s/take [0-9.]+ GiB.*/take …/'
verdict | nodes | node's error/bound | outputs' error/bound | case | why
not_checked | – | – | – | decoder.prefill/model=llama-2-70b,tokens=1 | layers: all its values, on the device, on the host and in double, take …
0 passed, 0 failed, 1 not checked; recorded in out/model-cpu
? 5

$ for mode in crash silent; do assay validate --backend chaos,mode=$mode --level model decoder.prefill/model=tiny-dense,tokens=8; done | sed -nE 's/  +/ | /g; s/^fail/fail/p'
fail | – | – | – | decoder.prefill/model=tiny-dense,tokens=8 | worker killed by SIGSEGV (Segmentation fault) in phase start
fail | – | – | – | decoder.prefill/model=tiny-dense,tokens=8 | output 'lm_head' was not written: all of it holds what was there before
? 1

$ assay validate --backend chaos,mode=node,node=nobody --level model decoder.prefill/model=tiny-dense,tokens=8 | sed -nE 's/  +/ | /g; s/^not/not/p'
not_checked | – | – | – | decoder.prefill/model=tiny-dense,tokens=8 | there is no node 'nobody' with an attribute that is a float
? 5

$ assay validate --backend cpu --level modle
! assay: there is no level 'modle'; did you mean 'model'?
? 2

$ assay validate --level model
! assay: a level needs a back end, and no vectors: assay validate --backend cpu --level model
? 2

$ assay validate --backend cpu --level model decoder.prefil
! assay: workload decoder needs a phase, one of prefill, decode, serve, score, train, gradients; got 'prefil'; did you mean 'decoder.prefill'?
? 2

# several levels, each judged as if it were alone: a summary of each at the end, the exit of the worst, a folder of its name for each
$ assay validate --backend null --level training,model,model --pairs 0 -o both --quiet >said; status=$?; sed -nE 's/  +/ | /g; /^(model|training)/p' said; ls both both/model; exit $status
training:
model:
training: gradients: 0 passed, 0 failed, 5 not checked
training: trainings: not compared: --pairs 0
model: 0 passed, 0 failed, 18 not checked; recorded in both/model
both:
model
training

both/model:
model.json
? 5

$ assay validate --backend null --level model,training --pairs 0 -o both --quiet --json | sed -nE 's/^  "(model|training)": \{/\1/p'
model
training
? 5

$ assay validate --backend null --level ops,modle
! assay: there is no level 'modle'; did you mean 'model'?
? 2

$ assay validate --backend null --level ,
! assay: there is no level ''; there are: ops, model, training
? 2

$ assay validate --backend null --level ops,model decoder.decode
! assay: a case is of one level: assay validate --backend cpu --level model CASE
? 2

# a report finds what a level left by what is in the folder: alone, beside the run of gradients, and of both at once
$ assay report kept --format html,md,csv,json; grep -c '<section id="level-model-1">' kept/report/index.html; grep -o '1 of 1 models proved right on cpu:host' kept/report/report.md; grep -o '1 个模型中有 1 个结果通过验证' kept/report/report.zh.md; jq -c '[(.runs | length), .levels[0].folder, (.levels[0].model.cases | length)]' kept/report/report.json
kept/report/index.html
kept/report/report.zh.html
kept/report/report.md
kept/report/report.zh.md
kept/report/report.csv
kept/report/report.json
1
1 of 1 models proved right on cpu:host
1 个模型中有 1 个结果通过验证
[0,"kept",1]

$ assay report kept/ both/model both/training -o all >/dev/null; grep -oE '<section id="(level-[a-z]+-[0-9]|results)">' all/index.html; grep -o '<h2 class="run">Run gradients</h2>' all/index.html
<section id="level-model-1">
<section id="level-model-2">
<section id="level-training-3">
<section id="results">
<h2 class="run">Run gradients</h2>

$ assay report kept -o again >/dev/null && cmp kept/report/index.html again/index.html && cmp kept/report/report.zh.html again/report.zh.html && echo same
same

$ assay report kept --policy inference-service
! assay: a policy decides about runs, and there is none in 'kept'
? 2

$ mkdir torn && head -c 300 kept/model.json >torn/model.json && assay report torn 2>&1 | sed -E 's/:[0-9]+:[0-9]+: .*/:LINE: …/'
assay: torn/model.json:LINE: …
? 2

# a bundle of a run that a level was kept in has it, and is verified with it
$ cp kept/model.json run/ && assay bundle run -o run.bundle >/dev/null && assay verify run.bundle | sed -nE 's/^(report) .*(report\.md).*/\1 \2/p'; tar tf run.bundle | grep model.json
report report.md
run/model.json
