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
  "written_bytes": 1024
}

# the order of parameters does not matter, nor does one that has its default: one case, one id
$ assay show gemm/k=4,m=2 --json | grep '"id"'
  "id": "51bf25b91ef92a0b",

$ assay show gemm/m=2,k=4,n=1024 --json | grep '"id"'
  "id": "51bf25b91ef92a0b",

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
! assay: unknown workload ''; assay list workloads lists them
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

$ assay show gemm/m=4@server
! assay: unknown scenario 'server': this version times executions one after another, without '@'
? 2

$ assay show "gemm/m=4,$(printf 'x%.0s' $(seq 600))"
! assay: case name is too long: 'gemm/m=4,xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'
? 2

$ assay show gemm --backned cpu
! assay: unknown option '--backned'; did you mean '--backend'?
? 2

# nothing in a name acts on the terminal
$ assay show "$(printf 'gem\033[31mm\r')"
! assay: unknown workload 'gem\x1b[31mm\x0d'; assay list workloads lists them
? 2
