$ assay show gemm/m=512,n=512,k=512
case      gemm/dtype=f32,k=512,m=512,n=512,transpose_a=false,transpose_b=false
id        4bdf64c8c12963b7
about     dense matrix product with fresh operands
headline  flops_per_s
work      268.4 Mflop, 3.000 MiB moved (inputs once, outputs once)
memory    24.06 MiB on the device, 17.01 MiB on the host (8 input sets)

value  role    type              bytes
A      input   f32[512,512]  1.000 MiB
B      input   f32[512,512]  1.000 MiB
C      output  f32[512,512]  1.000 MiB

node  op            flops  functions       read    written  flop/B  accumulator
C     MatMul  268.4 Mflop          0  2.000 MiB  1.000 MiB    85.3  u = 5.96e-08

run it    assay run gemm/dtype=f32,k=512,m=512,n=512,transpose_a=false,transpose_b=false --backend cpu

$ assay show attention.decode/tokens=64,heads=4,kv_heads=2 --json
{
  "case": "attention.decode/batch=1,causal=true,dtype=f32,head_dim=64,heads=4,kv_heads=2,tokens=64",
  "flops": 66556,
  "id": "037efd1a5bae8b36",
  "live_bytes": 1024,
  "multiply_adds": 33278.0,
  "nodes": [
    {
      "flops": 66556,
      "name": "Y",
      "op": "Attention",
      "read_bytes": 66560,
      "written_bytes": 1024
    }
  ],
  "parameters": 0,
  "read_bytes": 66560,
  "state_bytes": 0,
  "transcendentals": 260,
  "values": [
    {
      "bytes": 1024,
      "fill": {
        "a": -1.0,
        "b": 1.0,
        "kind": "uniform"
      },
      "name": "Q",
      "role": "input",
      "type": "f32[1,4,1,64]"
    },
    {
      "bytes": 32768,
      "fill": {
        "a": -1.0,
        "b": 1.0,
        "kind": "uniform"
      },
      "name": "K",
      "role": "input",
      "type": "f32[1,2,64,64]"
    },
    {
      "bytes": 32768,
      "fill": {
        "a": -1.0,
        "b": 1.0,
        "kind": "uniform"
      },
      "name": "V",
      "role": "input",
      "type": "f32[1,2,64,64]"
    },
    {
      "bytes": 1024,
      "name": "Y",
      "role": "output",
      "type": "f32[1,4,1,64]"
    }
  ],
  "weights_bytes": 0,
  "written_bytes": 1024
}

# the order of parameters does not matter, nor does one that has its default: one case, one id
$ assay show gemm/k=4,m=2 --json | grep '"id"'
  "id": "51bf25b91ef92a0b",

$ assay show gemm/m=2,k=4,n=1024 --json | grep '"id"'
  "id": "51bf25b91ef92a0b",

# a large graph is summed up by op and by part, unless all of it is asked for
$ assay show resnet50.infer
case      resnet50.infer/batch=1,classes=1000,image=224,optimizer=sgd,recompute=none,width=64
id        a6c306d36c4d1771
about     ResNet-50 v1.5, image classification: answers, or one step of training
headline  items_per_s
work      8.217 Gflop, 98.27 MiB moved (inputs once, outputs once)
memory    102.4 MiB on the device, 13.61 MiB on the host (8 input sets)
model     25,557,032 parameters, 4.089 GMAC in products
weights   97.69 MiB
live      9.188 MiB of results at most, while 'layer1.0.downsample.1' runs (in node order, nothing in place)

op                  nodes        flops    share      bytes    share
Conv                   53  8.174 Gflop   99.5 %  172.5 MiB   42.5 %
BatchNormalization     53  33.40 Mflop    0.4 %  85.20 MiB   21.0 %
Add                    16  5.519 Mflop    0.1 %  63.16 MiB   15.5 %
Gemm                    1  4.097 Mflop    0.0 %  7.828 MiB    1.9 %
GlobalAveragePool       1  100.4 kflop    0.0 %  400.0 KiB    0.1 %
Relu                   49       0 flop    0.0 %  73.31 MiB   18.0 %
MaxPool                 1       0 flop    0.0 %  3.828 MiB    0.9 %
Reshape                 1       0 flop    0.0 %  16.02 KiB    0.0 %
all                   175  8.217 Gflop  100.0 %  406.3 MiB  100.0 %

part        times  nodes        flops   share      bytes   share
conv1           1      1  236.0 Mflop   2.9 %  3.673 MiB   0.9 %
bn1             1      1  2.409 Mflop   0.0 %  6.126 MiB   1.5 %
relu            1      1       0 flop   0.0 %  6.125 MiB   1.5 %
maxpool         1      1       0 flop   0.0 %  3.828 MiB   0.9 %
layer1.0        1     12  469.2 Mflop   5.7 %  44.70 MiB  11.0 %
layer1.1–2      2     20  882.3 Mflop  10.7 %  74.04 MiB  18.2 %
layer2.0        1     12  749.3 Mflop   9.1 %  35.91 MiB   8.8 %
layer2.1–3      3     30  1.317 Gflop  16.0 %  58.35 MiB  14.4 %
layer3.0        1     12  747.2 Mflop   9.1 %  23.02 MiB   5.7 %
layer3.1–5      5     50  2.189 Gflop  26.6 %  67.30 MiB  16.6 %
layer4.0        1     12  746.1 Mflop   9.1 %  31.69 MiB   7.8 %
layer4.1–2      2     20  874.6 Mflop  10.6 %  43.28 MiB  10.7 %
avgpool         1      1  100.4 kflop   0.0 %  400.0 KiB   0.1 %
flatten         1      1       0 flop   0.0 %  16.02 KiB   0.0 %
fc              1      1  4.097 Mflop   0.0 %  7.828 MiB   1.9 %

444 values and 175 nodes; --nodes lists them. Bytes are each node's own: its operands and results once.

run it    assay run resnet50.infer/batch=1,classes=1000,image=224,optimizer=sgd,recompute=none,width=64 --backend cpu

$ assay show bert.infer | sed -n "/^part/,/^$/p"
part                times  nodes        flops    share      bytes   share
embeddings              1      7  884.6 kflop    0.0 %  5.640 MiB   1.0 %
encoder.layer.0–11     12    192  22.41 Gflop  100.0 %  540.5 MiB  98.4 %
pooler                  1      5  1.180 Mflop    0.0 %  3.026 MiB   0.6 %


$ assay show resnet50.infer --nodes | grep -c '  Conv  '
53

$ assay show decoder.decode --json | grep -E '"(live|state|weights)_bytes"'
  "live_bytes": 417792,
  "state_bytes": 5898240,
  "weights_bytes": 1442992128,

# the command that runs it runs it
$ assay show gemm/m=8,n=8,k=8 --backend 'template:host,memory=64MiB' | tail -1
run it    assay run gemm/dtype=f32,k=8,m=8,n=8,transpose_a=false,transpose_b=false --backend template:host,memory=64MiB

$ assay show
! assay: show needs one case: assay show gemm/m=64,n=64,k=64
? 2

$ assay show gemm gemv
! assay: show needs one case: assay show gemm/m=64,n=64,k=64
? 2

$ assay show gem
! assay: unknown workload 'gem'; did you mean 'gemm'?
? 2

$ assay show no-such-workload
! assay: unknown workload 'no-such-workload'; assay list workloads lists them
? 2

$ assay show ''
! assay: a case begins with the name of a workload, as gemm/m=64,n=64,k=64 does; the file of a suite ends in .json, that of a model in .onnx
? 2

$ assay show gemm/mm=4
! assay: workload gemm: unknown option 'mm'; did you mean 'm'? (while reading case 'gemm/mm=4')
? 2

$ assay show gemm/qqqqqq=4
! assay: workload gemm: unknown option 'qqqqqq'; known: m, n, k, transpose_a, transpose_b, dtype (while reading case 'gemm/qqqqqq=4')
? 2

$ assay show gemm/m=4,m=5
! assay: workload gemm: option 'm' is given twice (while reading case 'gemm/m=4,m=5')
? 2

$ assay show gemm/m=4x
! assay: workload gemm: m must be an integer from 1 to 1073741824, got '4x' (while reading case 'gemm/m=4x')
? 2

$ assay show gemm/m=0
! assay: workload gemm: m must be an integer from 1 to 1073741824, got '0' (while reading case 'gemm/m=0')
? 2

$ assay show gemm/m=99999999999999999999
! assay: workload gemm: m must be an integer from 1 to 1073741824, got '99999999999999999999': it does not fit 64 bits (while reading case 'gemm/m=99999999999999999999')
? 2

$ assay show gemm/m
! assay: workload gemm: '=' and a value are missing at character 2 of 'm' (while reading case 'gemm/m')
? 2

$ assay show gemm/m=4,
! assay: workload gemm: nothing follows ',' at character 4 of 'm=4,' (while reading case 'gemm/m=4,')
? 2

$ assay show gemm/,m=4
! assay: workload gemm: a name is missing at character 1 of ',m=4' (while reading case 'gemm/,m=4')
? 2

$ assay show 'gemm/m=4 '
! assay: workload gemm: a character that a plain value cannot have at character 4 of 'm=4 '; write the value of m as a JSON string, in double quotes (while reading case 'gemm/m=4 ')
? 2

$ assay show gemm/dtype=f33
! assay: workload gemm: dtype must be one of f64, f32, bf16, f16, f8e4m3, f8e5m2, f8e8m0, f6e2m3, f6e3m2, f4e2m1, i64, i32, i8, u8, i4, u4, bool; got 'f33'; did you mean 'f32'? (while reading case 'gemm/dtype=f33')
? 2

$ assay show gemm/transpose_a=maybe
! assay: workload gemm: transpose_a must be true or false, got 'maybe' (while reading case 'gemm/transpose_a=maybe')
? 2

$ assay show gemm.decode/m=4
! assay: workload gemm has no phases, got '.decode'
? 2

$ assay show attention/heads=2
! assay: workload attention needs a phase, one of prefill, decode; got ''
? 2

$ assay show attention.decod
! assay: workload attention needs a phase, one of prefill, decode; got 'decod'; did you mean 'attention.decode'?
? 2

$ assay show attention.decode/heads=3,kv_heads=2
! assay: kv_heads 2 does not divide heads 3 (while building case 'attention.decode/batch=1,causal=true,dtype=f32,head_dim=64,heads=3,kv_heads=2,tokens=512')
? 2

$ assay show gemm/m=4@sever
! assay: unknown scenario 'sever'; did you mean 'server'? (while reading case 'gemm/m=4@sever')
? 2

$ assay show "gemm/m=4,$(printf 'x%.0s' $(seq 1100))"
! assay: case name is too long: 'gemm/m=4,xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'
? 2

$ assay show gemm --backned cpu
! assay: unknown option '--backned'; did you mean '--backend'?
? 2

# nothing in a name acts on the terminal
$ assay show "$(printf 'gem\033[31mm\r')"
! assay: unknown workload 'gem\x1b[31mm\x0d'; assay list workloads lists them
? 2

# of a case on several ranks: the first one's graph; a mesh must fit the model
$ assay show decoder.train/model=tiny-ranks,batch=4,tokens=8,dp=2,tp=2 | grep -E '^(ranks|assay.(AllReduce|Replicate)) ' | sed 's/  .*//'
ranks
assay.AllReduce
assay.Replicate
$ assay show decoder.train/model=tiny-ranks,batch=4,tokens=8,dp=2,tp=2 | sed -n 's/^ranks *//p'
4; what follows is the first one's, whose messages are 134.6 KiB
$ assay show decoder.train/model=tiny-ranks,batch=4,tokens=8,dp=3
? 2
~ batch 4 of 'tiny-ranks' does not divide by dp x ep 3
