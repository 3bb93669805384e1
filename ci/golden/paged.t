# A step of a server: packed tokens of several sequences over caches in blocks, proved as any other case.
$ for case in batch=5,model=tiny-dense,packed=17,tokens=70 batch=3,block=4,cache=bf16,model=tiny-dense,tokens=50,weights=bf16 batch=3,model=tiny-moe,tokens=40 batch=3,block=4,cache=bf16,model=tiny-mla,packed=9,tokens=50; do assay run "decoder.serve/$case" --backend cpu,batch_invariant=1 --launches 1 --min-runs 8 --min-s 1ms -o one --quiet >/dev/null && assay validate one | tail -1; rm -rf one; done
1 passed, 0 failed, 0 not checked
1 passed, 0 failed, 0 not checked
1 passed, 0 failed, 0 not checked
1 passed, 0 failed, 0 not checked

$ assay show decoder.serve/batch=3,packed=2,model=tiny-dense
? 2
! assay: packed 2; 3 sequences have a token each (while building case 'decoder.serve/batch=3,block=16,cache=f32,chunks=1,cp=1,dp=1,ep=1,layers=0,model=tiny-dense,optimizer')

$ assay show decoder.decode/model=tiny-dense,cache=bf16
? 2
~ assay: cache bf16 in phase decode; only phase serve has another than f32

# latent attention is served over one cache of latents, to the token as alone; GPT-3 has no more positions than it has learned
$ assay run 'decoder.serve/batch=4,model=tiny-mla,packed=16,tokens=120@offline/min_queries=20,min_duration_s=0+serving/prompt=uniform-8-40,output=uniform-8-50,chunk=8,blocks=12' --backend cpu,batch_invariant=1 --launches 1 -o latent --quiet
latent
$ grep -oE 'of [0-9]+ requests served again alone [0-9]+ gave the same tokens' latent/records.jsonl; grep -oE '"preemptions":\{[^}]*"value":[1-9]' latent/records.jsonl | grep -o value; assay validate latent --quiet | tail -1
of 16 requests served again alone 16 gave the same tokens
value
1 passed, 0 failed, 0 not checked
$ assay show decoder.serve/model=gpt-3-175b,tokens=2049
? 2
~ tokens 2049; the model has 2048 positions

$ assay run decoder.serve/model=tiny-dense --backend cpu,batch_invariant=1,blas=openblas -o no --quiet
? 2
~ batch_invariant with blas=openblas: its results depend on the number of rows
