# a case's graph goes out as a file, and the file is a case
$ assay export softmax/rows=8,columns=16 --format onnx -o s.onnx
s.onnx

$ assay run s.onnx --backend template --backend cpu --launches 1 --min-runs 8 --min-s 1ms -o out --quiet && assay validate out --json
out
{
  "failed": 0,
  "not_checked": 0,
  "passed": 2
}

# the record says which file it was
$ test "$(sha256sum <s.onnx | cut -c1-64)" = "$(sed -nE 's/.*"case":"onnx\/file=s\.onnx,named=1,sha256=([0-9a-f]{64})".*/\1/p' out/records.jsonl | sort -u)"

# what was changed since is not what was run
$ printf X | dd of=s.onnx bs=1 seek=10 conv=notrunc status=none; assay validate out
~ has SHA-256
? 2

# somebody else's models, in any opset, with inputs of one's own
$ cp /usr/share/libonnx-testdata/data/pytorch-converted/test_Conv2d/model.onnx c.onnx && assay run c.onnx --backend cpu --launches 1 --min-runs 8 --min-s 1ms -o conv --quiet && assay validate conv | tail -1
conv
1 passed, 0 failed, 0 not checked

$ assay export onnx/file=c.onnx --format npy --sets 8 -o in --seed 5 && assay run c.onnx --backend cpu --inputs in --launches 1 --min-runs 8 --min-s 1ms -o given --quiet && assay validate given | tail -1
in
given
1 passed, 0 failed, 0 not checked

# data in a file beside it are read, and no other file's
$ assay export onnx/file=c.onnx --format onnx --external -o e.onnx && ls e.onnx* && assay run e.onnx --backend cpu --launches 1 --min-runs 8 --min-s 1ms -o beside --quiet
e.onnx
e.onnx
e.onnx.data
beside

$ assay validate beside | tail -1
1 passed, 0 failed, 0 not checked

$ mv e.onnx.data other && ln -s other e.onnx.data && assay run e.onnx --backend cpu -o none
~ tensor '1' has its data in another file, which is a link
? 2

$ rm e.onnx.data && head -c 100 other >e.onnx.data && assay run e.onnx --backend cpu -o none
~ tensor '1' has its data in another file, which ends before them
? 2

$ assay run none.onnx --backend cpu -o none
! assay: cannot open 'none.onnx': No such file or directory
? 2

$ printf x >x.onnx; assay run x.onnx --backend cpu -o none
~ x.onnx: byte 1: a number goes on beyond the end of its message
? 2

$ assay run onnx --backend cpu -o none
~ workload onnx needs a model: assay run FILE.onnx, or onnx/file=FILE.onnx
? 2

$ assay export gemm --format onnx -o no/such/folder/g.onnx
! assay: cannot create a file beside 'no/such/folder/g.onnx': No such file or directory
? 2
