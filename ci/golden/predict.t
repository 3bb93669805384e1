# the table is known by its columns; rows keep their order and number, other columns and what is quoted pass through
$ printf 'note,device,k,n,m,dtype\n"a ""b"", c",h100-sxm,4096,4096,4096,bfloat16\n,H100,4096,4096,1,bfloat16\n' >a.csv; assay predict --cases a.csv 2>/dev/null | sed -E 's/[0-9]+\.[0-9]+/N/g'
note,device,k,n,m,dtype,latency_us_predicted,latency_us_p10,latency_us_p90,grade,why
"a ""b"", c",h100-sxm,4096,4096,4096,bfloat16,N,N,N,A,the coefficients were fitted on this chip among others
,H100,4096,4096,1,bfloat16,N,N,N,A,the coefficients were fitted on this chip among others

# --device says it for every row; the column may be absent, and so may a figure
$ printf 'm,n,k,dtype\n64,64,64,fp16\n' >b.csv; assay predict --cases b.csv --device h100-sxm -o out.csv && cut -d, -f 8,9 out.csv
~ 1 of 1 rows predicted (table gemm)
grade,why
A,the coefficients were fitted on this chip among others

# a row that cannot be predicted says why, and the others go on
$ printf 'device,m,n,k,dtype\nh1oo,1,1,1,fp16\nh100-sxm,0,1,1,fp16\nh100-sxm,1,1,1,nvfp4\nh100-sxm,1,1,1,fp16\n' >c.csv; assay predict --cases c.csv | sed -E 's/,([0-9]+(\.[0-9]+)?),([0-9.]+),([0-9.]+),A/,N,N,N,A/; s/: did you.*|: there are.*//'
~ 1 of 4 rows predicted
device,m,n,k,dtype,latency_us_predicted,latency_us_p10,latency_us_p90,grade,why
h1oo,1,1,1,fp16,,,,,"there is no description of a device 'h1oo'
h100-sxm,0,1,1,fp16,,,,,"m is '0', not a number of at least 1"
h100-sxm,1,1,1,nvfp4,,,,,the chip has no f4e2m1
h100-sxm,1,1,1,fp16,N,N,N,A,the coefficients were fitted on this chip among others

# of M100 nobody knows a number: there is a band and no point
$ printf 'device,m,n,k,dtype\nm100,4096,4096,4096,fp16\n' >m.csv; assay predict --cases m.csv 2>/dev/null | tail -1 | cut -d, -f 6,9
,D

# no model yet: every row says so
$ printf 'device,devices,model,global_batch,tp,pp,metric,value\nh100-sxm,8,x,4,8,1,iteration_time,1.4\n' >t.csv; assay predict --cases t.csv
? 3
~ 0 of 1 rows predicted (table train)
device,devices,model,global_batch,tp,pp,metric,value,value_predicted,value_p10,value_p90,grade,why
h100-sxm,8,x,4,8,1,iteration_time,1.4,,,,,no model yet of training steps

# runs of serving: two figures, each with its band; a model nobody knows says so, and of M100 there is a band and no point
$ printf 'device,model,mode,isl,osl,batch,tp,gemm,server\nh100,Qwen/Qwen3-32B,agg,1024,128,16,4,fp8,vllm\nh200,meta-llama/Llama-3.3-70B-Instruct,,1024,1024,32,8,,sglang\nm100,Qwen/Qwen3-32B,agg,1024,128,16,4,,vllm\nh100,Qwen/Qwen9,agg,1,1,1,1,,\nh100,Qwen/Qwen3-32B,disagg,1,1,1,1,,\nh100,Qwen/Qwen3-32B,agg,1,1,1,7,,\n' >s.csv; assay predict --cases s.csv 2>/dev/null | cut -d, -f 2,10- | sed -E 's/[0-9]+\.[0-9]+/N/g; s/,[0-9]+,/,N,/g'
model,ttft_ms_predicted,ttft_ms_p10,ttft_ms_p90,tpot_ms_predicted,tpot_ms_p10,tpot_ms_p90,grade,why
Qwen/Qwen3-32B,N,N,N,N,N,N,A,servers were fitted on this chip among others
meta-llama/Llama-N-70B-Instruct,N,N,N,N,N,N,C,"a number of the chip is reported, inferred or derived; kernels and servers transferred from other chips; no run of this model was fitted"
Qwen/Qwen3-32B,,N,N,,N,N,D,a number of the chip is assumed; peak_bf16_flops_per_s is only known as a range: no point
Qwen/Qwen9,,,,,,,,there is no model 'qwen9'
Qwen/Qwen3-32B,,,,,,,,mode 'disagg': only prompts and further tokens on the same devices (agg) are priced by row
Qwen/Qwen3-32B,,,,,,,,tp 7 does not divide the 64 heads

# a server of one's own, fitted on a few of its runs
$ printf 'device,model,mode,isl,osl,batch,tp,server,ttft_ms,tpot_ms\nh100,llama-3.1-8b,agg,1024,128,8,1,own,250,12\nh100,llama-3.1-8b,agg,1024,128,16,2,own,200,11\nh100,llama-2-70b,agg,1024,128,8,8,own,200,18\n' >v.csv; assay calibrate v.csv -o v.json --table v.md && grep -o '"server": "own"' v.json; grep -cE '^.( ttft | tpot )' v.md; assay predict --cases v.csv --serving-coefficients v.json 2>/dev/null | awk -F, 'NR > 1 { print $17, $18, ($10 / $14 > 0.75 && $10 / $14 < 1.33) ? "near" : $10 / $14 }'
"server": "own"
6
A servers were fitted on this chip among others near
A servers were fitted on this chip among others near
A servers were fitted on this chip among others near
$ assay calibrate v.csv --figures f.csv
? 2
! assay: the table serving has neither --own nor --figures
$ printf '{"format": "assay-serving-coefficients/1", "values": {"step_ms": 1}}' >w.json; assay predict --cases v.csv --serving-coefficients w.json
? 2
~ w.json

$ printf 'm,n,type\n1,2,3\n' >d.csv; assay predict --cases d.csv
? 2
~ these columns make no table that is known; nearest is 'gemm', which needs a column 'k'

$ printf 'm,n,k,dtype,why\n1,2,3,fp16,x\n' >e.csv; assay predict --cases e.csv --device h100
? 2
~ the table has a column 'why' already

$ printf 'm,n,k,dtype\n1,2\n' >f.csv; assay predict --cases f.csv
? 2
~ line 2: 2 fields where the header has 4

$ assay predict
? 2
! assay: predict needs a table: assay predict --cases FILE.csv

# a fit of a few rows: what it was fitted on stands in it
$ printf 'device,m,n,k,dtype,framework,latency_us\nh100-sxm,4096,4096,4096,bfloat16,s,174\na100-sxm-80gb,4096,4096,4096,bfloat16,s,514\n' >g.csv; assay calibrate g.csv -o k.json && grep -cE '"(h100-sxm|a100-sxm-80gb)"' k.json
2

$ printf 'device,m,n,k,dtype,latency_us\nnone-such,1,1,1,fp16,5\n' >h.csv; assay calibrate h.csv
? 2
~ row 1

# a few rows of a chip at hand move the shipped fit to it: half as fast as predicted, and so are other products
$ printf 'device,m,n,k,dtype\nh200-sxm,8192,8192,8192,bfloat16\nh200-sxm,4096,8192,8192,bfloat16\nh200-sxm,4096,4096,8192,bfloat16\n' >o.csv; assay predict --cases o.csv 2>/dev/null | awk -F, 'NR == 1 { print $1 "," $2 "," $3 "," $4 "," $5 ",latency_us"; next } { print $1 "," $2 "," $3 "," $4 "," $5 "," 2 * $6 }' >own.csv; assay calibrate --own own.csv -o own.json; printf 'device,m,n,k,dtype\nh200-sxm,8192,4096,8192,bfloat16\n' >p.csv; (assay predict --cases p.csv; assay predict --cases p.csv --coefficients own.json) 2>/dev/null | grep h200 | cut -d, -f 6,9 | tr ',\n' '  ' | awk '{ print ($3 / $1 > 1.7 && $3 / $1 < 2.3) ? "twice" : $3 / $1, $2, $4 }'
twice B A
