# A step of a server: packed tokens of several sequences over caches in blocks, proved as any other case.
$ for case in batch=5,model=tiny-dense,packed=17,tokens=70 batch=3,block=4,cache=bf16,model=tiny-dense,tokens=50,weights=bf16 batch=3,model=tiny-moe,tokens=40; do assay run "decoder.serve/$case" --backend cpu,batch_invariant=1 --launches 1 --min-runs 8 --min-s 1ms -o one --quiet >/dev/null && assay validate one | tail -1; rm -rf one; done
1 passed, 0 failed, 0 not checked
1 passed, 0 failed, 0 not checked
1 passed, 0 failed, 0 not checked

$ assay show decoder.serve/batch=3,packed=2,model=tiny-dense
? 2
! assay: packed 2; 3 sequences have a token each (while building case 'decoder.serve/batch=3,block=16,cache=f32,chunks=1,cp=1,dp=1,ep=1,layers=0,model=tiny-dense,optimizer')

$ assay show decoder.decode/model=tiny-dense,cache=bf16
? 2
~ assay: cache bf16 in phase decode; only phase serve has another than f32

$ assay show decoder.serve/model=tiny-mla
? 3
~ phase serve with latent attention: PagedAttention has caches of keys and values only

$ assay run decoder.serve/model=tiny-dense --backend cpu,batch_invariant=1,blas=openblas -o no --quiet
? 2
~ batch_invariant with blas=openblas: its results depend on the number of rows
