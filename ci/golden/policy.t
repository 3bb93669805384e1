# What a policy asks, and who meets it.
$ assay policy check training-cluster | tail -1
6 rules, 4 mandatory: 0 findings

$ assay policy check state-funded-site | sed -E 's/  +/  /g' | head -4
rule  kind  clause  asks  division  case
right  mandatory  Example tender, technical part ★1.1  outputs pass, assurance at least sampled  closed  every case
stable  mandatory  Example tender, technical part ★1.2  no crash, hang or lost device in 10 launches or more  closed  –
origin  mandatory  Example tender, technical part ★1.3  the rule of origin  closed  –

$ cp "$ASSAY_SOURCE/ci/golden/data/policy.json" mine.json && sed 's/"min", "threshold": 1/"ns", "threshold": 1/' mine.json >hard.json; assay run gemm/m=8,n=9,k=10 --backend template --backend null --launches 3 --min-s 1ms -o a --quiet && assay validate a --quiet | tail -1
a
3 passed, 0 failed, 3 not checked

# a measured one is qualified or not; an instrument of the harness never is
$ assay qualify --policy mine.json a | sed -E 's/  +/  /g; s/measured [^;]*;/measured X;/; s/: [^:]* \([^)]*\);/: X;/' | grep -v '^null\|^$'
<b>mine</b>: qualified. All 2 mandatory rules hold by measurement, each at 95 % confidence.
rule  outcome  found  Doubts, and what would settle each
right  qualified  outputs of 3 launches passed
fast  qualified  measured X; required at most 1 min, guard band included
no device: insufficient evidence. Its figures are of an instrument of the harness; such figures never qualify.
rule  outcome  found  Doubts, and what would settle each
right  insufficient evidence  of an instrument of the harness; required outputs pass, assurance at least sampled; what is not measured never qualifies  a measurement on the device itself, with its outputs validated
fast  insufficient evidence  of an instrument of the harness: 0 min; required at most 1 min; such a figure never qualifies  a measurement on the device itself, with its outputs validated

$ assay qualify --policy mine.json a >out; echo $?; assay qualify --policy hard.json a >out; echo $?; assay run gemm/m=8,n=9,k=10 --backend template --launches 2 --min-s 1ms -o b --quiet; assay qualify --policy mine.json b >out; echo $?; assay validate b --quiet >out; assay qualify --policy hard.json b >out; echo $?
0
5
b
5
1

# in Chinese, on paper, and for programs
$ assay qualify --policy mine.json a --lang zh -o d | grep '^<b>\|^d/'
<b>mine</b>：合格（符合采购要求）。2 项实质性条款（★）全部经实测满足，每项置信度 95 %。
d/decision.zh.html
d/decision.json

$ grep -c '&lt;b&gt;mine' d/decision.zh.html >n && grep -c '<b>mine' d/decision.zh.html; grep -o '"decision": "[a-z ]*"' d/decision.json | sort -u
0
"decision": "insufficient evidence"
"decision": "qualified"

# claims, against what was published
$ assay qualify --policy mine.json a --claims p800-bandwidth | sed -nE 's/  +/  /g; /^p800/p'
p800  1.6 TB/s  1.6 TB/s  2.237 TB/s (published)  1.40  refuted
p800  2.0 TB/s  2 TB/s  2.237 TB/s (published)  1.12  refuted
p800  2.4 TB/s  2.4 TB/s  2.237 TB/s (published)  0.93  consistent
p800  4 TB/s  4 TB/s  2.237 TB/s (published)  0.56  not reached

# thresholds that nobody of those who ran can meet
$ assay policy check hard.json a | tail -2
fast: the only candidate with a figure cannot meet the threshold
2 rules, 2 mandatory: 1 finding
? 1

# of a training: a system that surely ends it in time has a need; of one that does not, the days are told
$ assay run decoder.train/model=gpt-3-175b,batch=2048,tokens=2048 --backend dgx-h100 --backend tianchi256 -o t --quiet; sed 's/dgx-h200/dgx-h100/' "$ASSAY_SOURCE/reports/policies/training-cluster.json" >training.json; assay qualify --policy training.json t -o e >out; sed -nE 's/.*(a training of [^;]*);.*/\1/p; s/.*(its 256 devices may take) [0-9]+ (days[^<;]*);.*/\1 N \2/p; s/.*(its step on 1024 devices).*/\1/p' e/decision.en.html
t
a training of 1,000,000,000,000 tokens ends within 90 days, 5 % spare devices
its step on 1024 devices
its 256 devices may take N days, and how more would scale is not known

$ sed 's/"years": \[/"training_run_items": 5, "years": [/' "$ASSAY_SOURCE/reports/policies/training-cluster.json" >bad.json; assay policy check bad.json
~ 'training_run_items' is 5, the demand's training has 1000000000000 items
? 2

# what is wrong is told in one line
$ sed 's/m=8,n=9/m=8,q=9/' mine.json >bad.json; assay policy check bad.json
~ unknown case 'gemm/m=8,q=9,k=10'
? 2

$ sed 's/"min"/"GB\/s"/' mine.json >bad.json; assay qualify --policy bad.json a
~ units are mixed
? 2

$ sed 's/"measured"/"modelled"/' mine.json >bad.json; assay policy check bad.json
~ nothing that is modelled
? 2

$ sed 's/"kind"/"knd"/' mine.json >bad.json; assay policy check bad.json
~ bad.json:
? 2

$ assay policy check inference-servce
! assay: there is no policy 'inference-servce'; did you mean 'inference-service'?
? 2

$ assay qualify a --policy mine.json --lang fr
! assay: unknown language 'fr' (en, zh)
? 2

$ assay qualify --policy mine.json
! assay: qualify needs a policy and run folders: assay qualify --policy inference-service out/quick
? 2

$ ln -s a link; assay qualify --policy mine.json a link
! assay: 'a' and 'link' are the same: it would count twice
? 2
