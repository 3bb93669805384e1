# What numbers of a device make it equal a rival. Figures follow the fit, and are masked.
$ assay breakeven --device m100 --against h200 --workload decoder.prefill/model=llama-2-70b,layers=2,tokens=2048,weights=bf16 --vary peak --curve c | sed -E 's/[0-9]+([.][0-9]+)?/N/g; s/ [µm]s/ s/g; s/ [TPG]?(FL)?OP/ FLOP/g; s/ +/ /g; s/ \([^)]*\): with/: with/'
decoder.prefill/batch=N,block=N,cache=fN,chunks=N,cp=N,dp=N,ep=N,layers=N,model=llama-N-Nb,optimizer=adamw,packed=N,pp=N,recompute=none,schedule=gpipe,sp=false,tokens=N,tp=N,weights=bfN,zero=N
mN N s – N s, no point (peak_bfN_flops_per_s is known as a range only); modelled, grade D; announced, first delivery N to N
hN-sxm N s – N s, middle N s; modelled, grade B; available
As described, mN is at least as fast as hN-sxm with a chance of N %. Times hold N of N; a chance is over N draws.

number described chance N % chance N % remark
peak_bfN_flops_per_s N FLOP/s – N FLOP/s ≥ N FLOP/s ≥ N FLOP/s
peak_fN_flops_per_s N FLOP/s – N FLOP/s – – cannot help: it moves the time by less than N %
peak_fN_flops_per_s N FLOP/s – N FLOP/s – – cannot help: it moves the time by less than N %
peak_fN_flops_per_s unknown – – not known of the device: a range to look from is missing
peak_fN_flops_per_s unknown – – not known of the device: a range to look from is missing
peak_iN_flops_per_s N FLOP/s – N FLOP/s – – cannot help: it moves the time by less than N %

The vendor must guarantee peak_bfN_flops_per_s of at least N FLOP/s: with it mN is at least as fast as hN-sxm with a chance of N %, whatever else of its description is true.
$ head -1 c.csv; wc -l <c.csv; head -c 40 c.svg
memory_bytes_per_s,peak_bf16_flops_per_s_even,peak_bf16_flops_per_s_sure
14
<svg xmlns="http://www.w3.org/2000/svg"
# What has no point has none in JSON either.
$ assay breakeven --device m100 --against h200 --workload gemm/dtype=bf16 --vary bandwidth --json >j; grep -c p50_ns j; grep '"p50_ns": null' j
2
    "p50_ns": null,
$ assay breakeven --device m100 --against h200 --workload gemm/dtype=f64
? 3
~ peak_f64_flops_per_s is not known
$ assay breakeven --device m100 --workload gemm
? 2
! assay: breakeven needs --device, --against or --within, and --workload: assay breakeven --device m100 --against h200 --workload decoder.decode/model=llama-3.1-8b
$ assay breakeven --device m100 --against h200 --within 10ms --workload decoder.decode/model=llama-3.1-8b
? 2
! assay: a rival and a limit are two questions: give --against or --within, not both
$ assay breakeven --device m100 --against h2OO --workload gemm
? 2
~ there is no description of a device 'h2OO'
$ assay breakeven --device m100 --against h200 --workload gemm --vary wattage
? 2
~ wattage
# A limit that a policy sets, instead of a rival.
$ assay breakeven --device p800 --within 1ns --workload gemm/dtype=bf16 | tail -1 | sed 's/: .*//'
No single number makes p800 done within 1.00 ns with a chance of 90 %, nor peak and bandwidth together
$ assay breakeven --device p800 --within 1s --workload gemm/dtype=bf16 | tail -1
Nothing need be guaranteed beyond the description: p800 is done within 1.00 s with a chance of 100 %.
