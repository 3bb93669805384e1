# Weights and inputs from files. What export writes is what the seed gives; run takes it back.
$ assay export decoder.prefill/model=tiny-dense,tokens=16 -o dense.safetensors && assay export decoder.prefill/model=tiny-dense,tokens=16 --format npy -o in && ls in
dense.safetensors
in
input_ids.npy

$ mkdir w && mv dense.safetensors w/model.safetensors && assay run decoder.prefill/model=tiny-dense,tokens=16 --weights w --inputs in --launches 1 --min-runs 8 --min-s 1ms -o a --quiet && assay validate a | tail -1
a
1 passed, 0 failed, 0 not checked

# the same bits as from the seed: without its files in the plan, the run is judged by what the seed gives and passes; by another seed's it fails
$ cp -r a seeded && sed -zE -i 's/    "inputs": [^]]*\],[^}]*\},//; s/,\n    "weights": [^]]*\],[^}]*\}//' seeded/plan.json && grep -cE 'weights"|inputs"' seeded/plan.json; assay validate seeded | tail -1
0
1 passed, 0 failed, 0 not checked

$ assay export decoder.prefill/model=tiny-dense,tokens=16 --seed 2 -o w2.safetensors && assay run decoder.prefill/model=tiny-dense,tokens=16 --weights w2.safetensors --launches 1 --min-runs 8 --min-s 1ms -o b --quiet && assay validate b | tail -1
w2.safetensors
b
1 passed, 0 failed, 0 not checked

$ cp -r b other && sed -zE -i 's/,\n    "weights": [^]]*\],[^}]*\}//' other/plan.json && assay validate other | tail -1
0 passed, 1 failed, 0 not checked
? 1

# the plan says which files, and the line that repeats it how
$ sed "s|$PWD|HERE|" a/plan.json | sed -n '/"inputs"/,/"name"/p; /"weights"/,$p' | sed -E 's/[0-9a-f]{64}/HASH/'
    "inputs": {
      "files": [
        {
          "bytes": 1152,
          "file": "input_ids.npy",
          "sha256": "HASH",
          "sha256_of": "all"
        }
      ],
      "path": "HERE/in"
    },
    "name": "cases",
    "weights": {
      "files": [
        {
          "bytes": 371944,
          "file": "model.safetensors",
          "sha256": "HASH",
          "sha256_of": "all"
        }
      ],
      "path": "HERE/w"
    }
  }
}

$ grep -o ' --seed 1 --weights [^ ]* --inputs [^ ]*' a/records.jsonl | sed "s|$PWD|HERE|g"
 --seed 1 --weights HERE/w --inputs HERE/in

# files that changed since give no verdict, and no run goes on with them
$ cp w/model.safetensors kept && printf '\1' | dd of=w/model.safetensors bs=1 seek=370000 conv=notrunc status=none; assay validate a 2>&1 | sed "s|$PWD|HERE|g"
assay: 'HERE/w/model.safetensors' is not the file that was run with: it has another SHA-256 (while validating 'a')
? 2

$ assay run decoder.prefill/model=tiny-dense,tokens=16 --weights w --inputs in --launches 1 --min-runs 8 --min-s 1ms -o a --resume --quiet
~ cannot go on with another plan: 'suite.weights.files.0.sha256' was
? 2

$ cp kept w/model.safetensors && assay validate a | tail -1
1 passed, 0 failed, 0 not checked

# stored narrower: said, and right all the same
$ assay run decoder.prefill/model=tiny-dense,tokens=16,weights=bf16 decoder.prefill/model=tiny-dense,tokens=16,weights=i8 --weights w --launches 1 --min-runs 8 --min-s 1ms -o narrow --quiet && assay validate narrow | tail -1
narrow
2 passed, 0 failed, 0 not checked
! assay: note: decoder.prefill/model=tiny-dense,tokens=16,weights=bf16: 15 params are rounded to bf16
! assay: note: decoder.prefill/model=tiny-dense,tokens=16,weights=i8: 1 param is rounded to bf16, 14 params are quantized to i8 with a scale a row

# the weights of a mixture of experts, of latent attention, and of what is not a decoder
$ for case in decoder.prefill/model=tiny-moe,tokens=16 decoder.prefill/layers=1,model=tiny-mla,tokens=8 conv/channels=4,filters=4,height=8,width=8; do assay export "$case" -o one.safetensors >/dev/null && assay run "$case" --weights one.safetensors --launches 1 --min-runs 8 --min-s 1ms -o "each/${case//\//-}" --quiet >/dev/null && assay validate "each/${case//\//-}" | tail -1; done
1 passed, 0 failed, 0 not checked
1 passed, 0 failed, 0 not checked
1 passed, 0 failed, 0 not checked

# ---- one line, the tensor, exit 2 ----

$ mkdir bad && head -c 300000 kept >bad/model.safetensors && assay run decoder.prefill/model=tiny-dense,tokens=16 --weights bad -o no
~ assay: model.safetensors: tensor 'model.layers.1.
~ lies beyond the end of the file (while reading weights '
? 2

$ head -c 100 kept >bad/model.safetensors && assay run decoder.prefill/model=tiny-dense,tokens=16 --weights bad -o no
~ assay: model.safetensors: a header of 2016 bytes in a file of 100 (while reading weights '
? 2

$ tensor-file '{}' 0 72057594037927935 >bad/model.safetensors && assay run decoder.prefill/model=tiny-dense,tokens=16 --weights bad -o no
~ assay: model.safetensors: a header of 72057594037927935 bytes in a file of 10 (while reading weights '
? 2

$ tensor-file '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}' 12 >bad/model.safetensors && assay run decoder.prefill/model=tiny-dense,tokens=16 --weights bad -o no
~ assay: model.safetensors: tensor 'b' overlaps another (while reading weights '
? 2

$ tensor-file "{\"a\":$(printf '[%.0s' $(seq 5000))" 0 >bad/model.safetensors && assay run decoder.prefill/model=tiny-dense,tokens=16 --weights bad -o no
~ assay: model.safetensors: its header is no plain JSON object (while reading weights '
? 2

$ sed 's/"model.norm.weight"/"model.norm.weighs"/' kept >bad/model.safetensors && assay run decoder.prefill/model=tiny-dense,tokens=16 --weights bad -o no
~ assay: model.safetensors: no tensor for 'model.norm.weight', which is f32[64] (while reading weights '
? 2

$ assay run decoder.prefill/layers=1,model=tiny-dense,tokens=16 --weights w -o no
~ assay: model.safetensors: the model has no use for tensor 'model.layers.1.input_layernorm.weight' (while reading weights '
? 2

$ sed 's/"shape":\[96,64\]/"shape":[64,96]/' kept >bad/model.safetensors && assay run decoder.prefill/model=tiny-dense,tokens=16 --weights bad -o no
~ assay: model.safetensors: tensor 'model.embed_tokens.weight' is f32[64,96], the model has f32[96,64] (while reading weights '
? 2

$ cp kept bad/model.safetensors && printf '\377\377\377\177' | dd of=bad/model.safetensors bs=1 seek=$(($(wc -c <kept) - 8)) conv=notrunc status=none; assay run decoder.prefill/model=tiny-dense,tokens=16 --weights bad -o no
! assay: model.safetensors: tensor 'model.norm.weight' holds nan at element 62 (while giving its values to case 'decoder.prefill/batch=1,block=16,cache=f32,chunks=1,cp=1,dp=1,ep=1,layers=0,mode')
? 2

$ echo '{"weight_map":{"a":"../kept"}}' >bad/model.safetensors.index.json; assay run decoder.prefill/model=tiny-dense,tokens=16 --weights bad -o no
~ assay: model.safetensors.index.json: tensor 'a' is in no file of this folder (while reading weights '
? 2

$ assay run decoder.prefill/model=tiny-dense,tokens=16 --weights nowhere -o no
! assay: cannot open 'nowhere': No such file or directory
? 2

# inputs
$ assay run decoder.prefill/model=tiny-dense,tokens=8 --inputs in -o no
~ assay: input_ids.npy: it is i64[8,1,16]; the input is i64[1,8], with or without an axis of sets before it (while reading inputs '
? 2

$ assay run gemm/m=4,n=4,k=4 --inputs in -o no
~ assay: input_ids.npy: the graph has no input of that name (while reading inputs '
? 2

$ mkdir far && cp in/input_ids.npy far && printf '\377\377' | dd of=far/input_ids.npy bs=1 seek=$((128 + 8 * 17)) conv=notrunc status=none; assay run decoder.prefill/model=tiny-dense,tokens=16 --inputs far -o no
~ assay: input_ids.npy: element 17 is 65535; the graph allows 0 to 95 (while giving its values to case '
? 2

$ head -c 1000 in/input_ids.npy >far/input_ids.npy; assay run decoder.prefill/model=tiny-dense,tokens=16 --inputs far -o no
~ assay: input_ids.npy: 872 bytes of data; type and shape have 1024 (while reading inputs '
? 2

# a model's shape that cannot be built
$ sed 's/"heads": 4/"heads": 5/' "$ASSAY_SOURCE/suites/models/tiny-dense.json" >five.json && assay run decoder.prefill/model=five.json,tokens=16 -o no
~ five.json:5:
~ 5 heads do not divide hidden 64, and there is no head_dim
? 2

$ sed 's/"kv_heads": 2/"kv_heads": 3/' "$ASSAY_SOURCE/suites/models/tiny-dense.json" >three.json && assay export decoder.prefill/model=three.json,tokens=16 -o no
~ three.json:5:
~ 3 kv_heads do not divide 4 heads
? 2

$ assay export decoder.prefill/model=tiny-dens -o no
~ assay: there is no model 'tiny-dens'; did you mean 'tiny-dense'? (while building case '
? 2

# export
$ assay export gemm/m=4,n=4,k=4 -o no
! assay: the case has no weights
? 2

$ assay export gemm/m=4,n=4,k=4
! assay: export needs one case or run folder, and where to write: assay export bert.infer --format safetensors -o FILE
? 2

# nothing was written by what was refused
$ ls no
~ No such file
? 2
