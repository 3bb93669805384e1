# the gradient of every param: what agrees, or has nothing to tell (a key's bias, which a softmax takes out again)
$ assay validate --backend cpu --level training --pairs 0 -o cpu --quiet >out; awk '/gradient of/ { print ($1 == "untrusted" ? "pass" : $1), $NF }' out | sort | uniq -c; grep -c '^untrusted .*key.bias ' out; tail -2 out
     42 pass bert.gradients
     45 pass decoder.gradients
     11 pass shapes.gradients
     16 pass text.gradients
2
gradients: 5 passed, 0 failed, 0 not checked
trainings: not compared: --pairs 0

# in JSON: of every output what it was compared by
$ assay validate --backend cpu --level training --pairs 0 -o cpu --quiet --json >out; for k in '"kind": "gradient"' '"relative_error": ' '"worst_index": '; do grep -c "$k" out; done
114
472
472

# one whose gradient never arrives is named, in every net
@skip asan,tsan: the reference computes five nets, which takes minutes there
$ assay validate --backend chaos,mode=lost_gradient --level training --pairs 0 -o lost --quiet >out; echo $?; awk '/^fail .*gradient of/ { print $1, $2, $3, $(NF - 1), $NF }' out; grep -cE '^(pass|untrusted) .*gradient of' out; sed -n 's/.*\(a state was not written: .* of .*\) are .*/\1/p' out; tail -2 out
1
fail 1 – model.layers.0.mlp.gate_proj.weight decoder.gradients
fail 1 – model.layers.1.mlp.experts.gate_proj.weight decoder.gradients
fail 1 – encoder.layer.0.intermediate.dense.weight bert.gradients
fail 1 – stage3.conv.weight shapes.gradients
fail 1 – model.layers.0.self_attn.q_proj.weight text.gradients
109
a state was not written: all 10240 elements of 'model.layers.0.mlp.gate_proj.weight.next'
a state was not written: all 6144 elements of 'model.layers.1.mlp.experts.gate_proj.weight.next'
a state was not written: all 4096 elements of 'encoder.layer.0.intermediate.dense.weight.next'
a state was not written: all 576 elements of 'stage3.conv.weight.next'
a state was not written: all 2048 elements of 'model.layers.0.self_attn.q_proj.weight.next'
gradients: 0 passed, 5 failed, 0 not checked
trainings: not compared: --pairs 0

# trainings in pairs, in the folder that has the gradients already; a back end against itself has other seeds
$ echo text.learn/batch=2,tokens=37,layers=1,hidden=8,ffn=8,heads=1,head_dim=4,evaluation_batches=2,evaluate_every=3,max_steps=3,within=10 >case; assay validate --backend cpu --level training --pairs 3 --margin 1 -o cpu $(cat case) --quiet >self; echo $?; sed -n '/^trainings: text/,$p' self | sed -E 's/(cpu:host),[^ ;:]*/\1/g; s/[-+]?[0-9]\.[0-9]{5}/N/g; s/difference [^ ]+ in \[[^]]*\]/difference D in [LOW, HIGH]/; s/margin 1\.3/margin 1.3/; s/   */  /g'
0
trainings: text.learn/batch=2,tokens=37,layers=1,hidden=8,ffn=8,heads=1,head_dim=4,within=10,max_steps=3,evaluate_every=3,evaluation_batches=2
A cpu:host B cpu:host: the same, so B has other seeds; margin 1 of the entropy 1.2816
seed A  loss A  seed B  loss B  B - A  why
  1  N  4  N  N
  2  N  5  N  N
  3  N  6  N  N

gradients: 5 passed, 0 failed, 0 not checked
trainings: equivalent: mean difference D in [LOW, HIGH] over 3 pairs, margin 1.3; B diverged 0 times, a share of at most 63 % with 95 % confidence

# again: nothing is run anew, and the same is said
$ ls cpu; stat -c %Y cpu/b-03/records.jsonl >before; assay validate --backend cpu --level training --pairs 3 --margin 1 -o cpu $(cat case) --quiet | cmp - self && stat -c %Y cpu/b-03/records.jsonl | cmp - before && echo same
a-01
a-02
a-03
b-01
b-02
b-03
equivalence.json
gradients
protocol.json
training.json
same

# what is judged, and how, was written before; it does not follow the data
$ grep -E '"(level|margin_share|pairs|first_seed_.|case)"' cpu/protocol.json
  "case": "text.learn/attention=true,batch=2,evaluate_every=3,evaluation_batches=2,ffn=8,head_dim=4,heads=1,hidden=8,layers=1,learning_rate=0.004,max_steps=3,tokens=37,within=10",
  "first_seed_a": 1,
  "first_seed_b": 4,
  "level": 0.94999999999999996,
  "margin_share": 1.0,
  "pairs": 3,

$ assay validate --backend cpu --level training --pairs 3 --margin 2 -o cpu $(cat case)
! assay: 'cpu' was begun with another protocol: neither margin, pairs, case nor back ends may follow the data; protocol.json in it says which; another folder takes another one: -o DIR
? 2

$ assay validate --backend cpu --level training --pairs 4 --margin 1 -o cpu $(cat case)
! assay: 'cpu' was begun with another protocol: neither margin, pairs, case nor back ends may follow the data; protocol.json in it says which; another folder takes another one: -o DIR
? 2

# with the same seeds, and what diverges is a failure
@skip asan,tsan: the reference computes five nets, which takes minutes there
$ assay validate --backend chaos,mode=nan --level training --pairs 3 -o nan $(cat case) --quiet >out; echo $?; sed -n '/^trainings: [nue]/p; s/.* \(the loss became.*\)/\1/p' out
1
the loss became no finite number
the loss became no finite number
the loss became no finite number
trainings: not equivalent: 0 complete pairs, at least 3 are needed; B diverged in 3 pairs in which A did not; B diverged 3 times, a share of at most 100 % with 95 % confidence

# a crash is no divergence: it is too little to say anything
$ assay validate --backend chaos,mode=crash --level training --pairs 3 -o crash $(cat case) --quiet >out; echo $?; tail -2 out
5
gradients: 0 passed, 0 failed, 5 not checked
trainings: undecided: 0 complete pairs, at least 3 are needed; 3 pairs lack a training

# what cannot be compared is refused before anything runs
$ assay validate --backend cpu --level training text.learn -o other
! assay: evaluated every 100 of 2000 steps, it may end early: evaluate_every must be max_steps
? 2

$ assay validate --backend cpu --level training gemm/m=2,n=2,k=2 -o other
! assay: 'gemm/dtype=f32,k=2,m=2,n=2,transpose_a=false,transpose_b=false' is no training to a quality, as text.learn is
? 2

$ assay validate --backend cpu --level training shapes.learn -o other
! assay: the margin is a share of the entropy of what is learned; 'shapes.learn/batch=64,evaluate_every=50,evaluation_batches=3' has none
? 2

$ assay validate --backend cpu --level training $(cat case) $(cat case) -o other
! assay: level training compares one training: at most one case, not 2
? 2

$ ls other
! ls: cannot access 'other': No such file or directory
? 2
