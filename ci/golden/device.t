# Devices that nobody here has: their descriptions, runs on them, what is wrong in a buyer's file.
$ assay list devices | grep -E '^(device|model:(m100|h200-sxm)) ' | tr -s ' '
device product memory values clock how it is known
model:h200-sxm NVIDIA H200 SXM5 141 GB, available 131 GiB no model described, grade B at best: 20 numbers of the vendor or measured, 1 reported, 3 inferred, 0 assumed
model:m100 Kunlunxin M100, announced, first delivery 2026 to 2027, memory 64 to 144 GB – no model described, grade D at best: 1 numbers of the vendor or measured, 0 reported, 1 inferred, 22 assumed

# a bare name is a driver that finds the device, else its model, and the run says which
$ assay run gemm/m=1024,n=1024,k=1024,dtype=bf16 decoder.decode/model=tiny-dense,tokens=16 --backend m100 --backend p800 --launches 1 -o run
run
~ assay: m100 is model:m100, calculated from its description: no driver here finds one
~ assay: p800 is model:p800, calculated from its description: no driver here finds one
~ 4 steps recorded, 4 of 4 new ones ok

# a range and no point of M100, a point with its range of P800; the same of every rate and of energy
$ values() { sed -E "s/.*\"name\":\"([a-z0-9-]+)\",\"origin.*\"evidence\":\"([a-z]+)\".*\"grade\":\"(.)\".*\"$1\":\{[^}]*\"low\":[0-9][^}]*\"value\":(null|[0-9]).*/\1 \2 \3 $1 \4/; s/ [0-9]$/ value/" run/records.jsonl; }; for m in latency_ns flops_per_s energy_joules; do values $m; done | sort | uniq -c | tr -s ' '
 2 m100 modelled D energy_joules null
 2 m100 modelled D flops_per_s null
 2 m100 modelled D latency_ns null
 2 p800 modelled C energy_joules value
 2 p800 modelled C flops_per_s value
 2 p800 modelled C latency_ns value

# no page, table or file has a point for M100: no value of its times, rates or energy, and neither the median nor the mean of its draws anywhere
$ assay validate run >/dev/null; assay report run --format md,csv,json,html -o report >/dev/null; no-point run report m100
m100: 2 cases, no point in 10 files

# nor has what arrives as a scenario says, or is served: it is run on devices that fit what is known, and verdicts say on how many they hold
$ assay run 'gemm/m=64,n=64,k=64@server/qps=2000,latency_ms=5,min_duration_s=1s' 'decoder.serve/model=tiny-dense,batch=4,packed=32,tokens=64@server/qps=20,min_queries=64,min_duration_s=1s+serving/prompt=uniform-8-16,output=uniform-4-8' --backend m100 --backend h200 --launches 1 --quiet -o arrive && assay report arrive --format md,csv,json,html -o arrive/report >/dev/null; no-point arrive arrive/report m100
arrive
m100: 2 cases, no point in 15 files

$ grep -o '"draws":[0-9]*' arrive/records.jsonl | sort | uniq -c | sed 's/^ *//'; grep -c '"duration_ns"' arrive/records.jsonl; grep '"backend":"model:m100' arrive/records.jsonl | grep -oE '"(samples_per_s|latency_at_percentile_ns|ttft_p99_ns|tokens_per_s)":\{[^}]*\}' | grep -c '"value":null'
4 "draws":40
0
8

# a description over which a buyer lays numbers
$ echo '{"format": "assay-spec/1", "device": "M100", "by": "vendor, offer 17", "fields": {"memory_bytes_per_s": {"value": 3e12, "provenance": "announced", "source": "offer 17"}}}' > offer.json; assay run gemm/m=16,n=4096,k=4096,dtype=bf16 --backend m100 --spec offer.json --launches 1 --quiet -o spec; grep -o 'with [^ ]*offer.json (by [^)]*) over it' spec/records.jsonl | sed "s|$PWD|HERE|"
spec
with HERE/offer.json (by vendor, offer 17) over it

$ assay run gemm --backend h200 --spec offer.json -o none
? 2
! assay: 'offer.json' is for device 'm100', and no --backend is it

# contradictions in a datasheet
$ echo '{"format": "assay-spec/1", "device": "p800", "by": "a reseller", "fields": {"memory_bytes_per_s": {"value": 1.6e12, "provenance": "reported", "source": "page"}, "peak_f16_flops_per_s": {"value": 690e12, "provenance": "reported", "source": "page"}}}' > resale.json; assay spec check resale.json
rule      field                 contradiction
measured  memory_bytes_per_s    1.600 TB/s is less than the 2.237 TB/s that were measured (FlagPerf fork for P800 (2026-09), native_bench.cpp: copy of 4 GiB, read and written)
sparse    peak_f16_flops_per_s  it is twice the 3.45e+14 that is known of p800: is it the number with sparsity?
p800: 23 of 33 numbers known, 2 contradictions
? 1

$ assay spec check h100
h100-sxm: 24 of 33 numbers known, 0 contradictions

# broken files
$ sed 's/"value": 3e12/"low": 3e12, "high": 2e12/' offer.json > inverted.json; assay spec check inverted.json
? 2
~ memory_bytes_per_s has the range [3e+12, 2e+12], which is inverted

$ sed 's/"value": 3e12/"value": -3e12/' offer.json > negative.json; assay run gemm --backend m100 --spec negative.json -o none
? 2
~ 'value' must be from

$ sed 's/"by"/"over": "ring.json", "by"/' offer.json > ring.json; assay run gemm --backend m100 --spec ring.json -o none
? 2
~ ring.json:1: it lies over 'ring.json', which lies over it

$ sed 's/memory_bytes_per_s/memory_byte_per_s/' offer.json > misspelt.json; assay spec check misspelt.json
? 2
~ unknown key 'memory_byte_per_s'; did you mean 'memory_bytes_per_s'?

# a number that a model needs and nobody knows: that case is unsupported with its name, the others go on; a format is never replaced
$ assay run gemm/m=64,n=64,k=64,dtype=f64 gemm/m=64,n=64,k=64,dtype=bf16 --backend m100 --backend gaudi3 --launches 1 --quiet -o lacks; sed -E 's/.*"name":"([a-z0-9-]+)","origin.*"reason":"([^"]*)".*"status":"([a-z]+)".*/\1 \3 \2/; s/.*"name":"([a-z0-9-]+)","origin.*"status":"([a-z]+)".*/\1 \2/' lacks/records.jsonl
lacks
m100 unsupported node 'C' (MatMul): peak_f64_flops_per_s is not known of the device
gaudi3 unsupported node 'C' (MatMul): the device multiplies no f64 (peak_f64_flops_per_s: not supported)
m100 ok
gaudi3 ok
