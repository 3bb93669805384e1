$ assay list suites | grep -E '^(suite|quick) '
suite           about
quick           a few minutes on any machine: one case or two of every family of kernels, and the standard models

$ assay list suites --json | grep -A 1 'about.*few minutes'
    "about": "a few minutes on any machine: one case or two of every family of kernels, and the standard models",
    "suite": "quick"

$ assay list workloads | grep -E '^(workload|gemm|attention) ' | tr -s ' '
workload phases parameters about
attention prefill,decode batch=1,causal=true,dtype=f32,head_dim=64,heads=16,kv_heads=16,tokens=512 scaled dot-product attention, prefill and decode
gemm dtype=f32,k=1024,m=1024,n=1024,transpose_a=false,transpose_b=false dense matrix product with fresh operands

$ assay list workloads --json | head -6
[
  {
    "about": "scaled dot-product attention, prefill and decode",
    "parameters": "batch=1,causal=true,dtype=f32,head_dim=64,heads=16,kv_heads=16,tokens=512",
    "phases": "prefill,decode",
    "workload": "attention"

$ assay list backends | grep -E '^(backend|chaos|cpu|emulate|null|reference|template) ' | tr -s ' ' | sed -E 's| /[^ ]*/backends/| …/|'
backend usable about file
chaos yes, 1 device misbehaves on purpose: what the harness must catch …/assay-chaos.so
cpu yes, 1 device this machine's own cores: OpenBLAS, oneDNN and vector kernels of ours …/assay-cpu.so
emulate yes, 1 device the values of a matrix unit that a file describes …/assay-emulate.so
null yes, 1 device does nothing, at once: the cost of the harness itself …/assay-null.so
reference yes, 1 device every op in double: what other devices are compared with …/assay-reference.so
template yes, 1 device plain loops on one core: the back end to copy …/assay-template.so

$ assay list backends --json | grep -A 2 '"backend": "null"' | grep -v '"file"'
    "backend": "null",
    "usable": "yes, 1 device"

$ assay list devices | grep -E '^(device |chaos:|emulate:|null:|reference:|template:)' | tr -s ' '
device product memory values clock how it is known
chaos:imp a device that misbehaves on purpose 1020 GiB yes host it is part of assay
emulate:unit matrix unit fp32-fma, emulated 1020 GiB yes host it is part of assay
null:nothing no device 1020 TiB no host it is part of assay
reference:double the reference in double precision 1020 GiB yes host it is part of assay
template:host one core of this machine 4.00 GiB yes host it runs where assay runs

$ assay list devices --json | grep -A 4 '"device": "null:nothing"'
    "device": "null:nothing",
    "how it is known": "it is part of assay",
    "memory": "1020 TiB",
    "product": "no device",
    "values": "no"

$ assay list ops | head -4 | tr -s ' '
op domain tier inputs outputs
MatMul onnx core 2–2 1–1
MatMulInteger onnx core 2–4 1–1
Gemm onnx core 2–3 1–1

$ assay list ops | tr -s ' ' | grep -E '^(Softplus|Tile) '
Softplus onnx import – –
Tile onnx import – –

$ assay list ops --json | grep -B 2 -A 3 '"op": "MatMul"'
    "domain": "onnx",
    "inputs": "2–2",
    "op": "MatMul",
    "outputs": "1–1",
    "tier": "core"
  },

$ assay list counters | sed -E 's/ .*//' | tr '\n' ' '
counter cycles instructions branch_misses l1d_misses llc_references llc_misses flops_f32 flops task_clock page_faults context_switches cpu_migrations peak_rss

$ assay list counters --json | awk '/"status"/ {available = /"ok"/} /"why not"/ {n++; bad += available != /: ""/} END {print (n > 5), bad + 0}'
1 0

$ assay list metrics | sed -nE '1p; s/^(latency_ns|energy_joules) .*/\1/p' | tr -s ' '
metric unit better definition
latency_ns
energy_joules

$ assay list metrics --json | head -7
[
  {
    "better": "lower",
    "definition": "time from begin to end of one execution as stamped by the back end, or, of a case with a scenario, from the scheduled time of a query to its completion; the median of this launch's",
    "metric": "latency_ns",
    "unit": "ns"
  },

# a list can be cut short by its reader
$ assay list metrics | head -1
metric                     unit    better  definition

# nothing but the list is on standard output, nothing at all on standard error
$ assay list backends 2>&1 >/dev/null

$ assay list
! assay: list needs one of suites, workloads, models, backends, devices, systems, ops, counters, metrics, scenarios
? 2

$ assay list suits
! assay: there is no list of 'suits'; did you mean 'suites'?
? 2

$ assay list everything
! assay: there is no list of 'everything'; there are: suites, workloads, models, backends, devices, systems, ops, counters, metrics, scenarios
? 2

$ assay list suites backends
! assay: list needs one of suites, workloads, models, backends, devices, systems, ops, counters, metrics, scenarios
? 2

$ assay list suites --jsn
! assay: unknown option '--jsn'; did you mean '--json'?
? 2

# a suite that cannot be read is named, not left out
$ mkdir -p data/suites && cp "$ASSAY_SOURCE/suites/quick.json" data/suites/ && echo '{' >data/suites/broken.json && ASSAY_DATA=data assay list suites
suite   about
broken  data/suites/broken.json:2:0: string or '}' expected near end of file
quick   a few minutes on any machine: one case or two of every family of kernels, and the standard models

# the models of suites/models, their parameters counted on the graph that would be run
$ assay list models | sed -E 's/(.{62}).*/\1…/'
model                status     layers         parameters  abo…
deepseek-v3          published      61    671,026,404,352  Dee…
ernie-4.5-0.3b       published      18        360,748,032  ERN…
ernie-4.5-21b-a3b    published      28     21,825,436,160  ERN…
ernie-4.5-300b-a47b  published      54    299,484,160,000  ERN…
ernie-5-class-2.4t   inferred       64  2,376,271,405,056  a m…
gpt-3-175b           published      96    174,604,259,328  GPT…
gpt-oss-120b         published      36    116,789,048,640  gpt…
gpt-oss-20b          published      24     20,907,927,360  gpt…
kimi-k2              published      61  1,026,408,209,408  Kim…
llama-2-70b          published      80     68,976,648,192  Lla…
llama-3.1-405b       published     126    405,853,388,800  Lla…
llama-3.1-70b        published      80     70,553,706,496  Lla…
llama-3.1-8b         published      32      8,030,261,248  Lla…
minimax-m2           published      62    228,689,304,576  Min…
mixtral-8x7b         published      32     46,702,792,704  Mix…
qwen3-235b-a22b      published      94    235,093,610,496  Qwe…
qwen3-30b-a3b        published      48     30,532,110,336  Qwe…
qwen3-32b            published      64     32,762,106,880  Qwe…
tiny-dense           published       2             92,480  two…
tiny-mla             published       2             59,232  two…
tiny-moe             published       2             58,800  two…
tiny-ranks           published       4             47,648  fou…
