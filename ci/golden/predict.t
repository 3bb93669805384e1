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

# runs of training: the row's metric in the row's unit; what was chosen is told; of M100 there is a band and no point; what cannot be says why
$ printf 'device,devices,model,seq,global_batch,tp,pp,precision,metric,unit,value\nh100,64,LLAMA3_70B,8192,256,4,8,FP8,tokens_per_s_per_gpu,tok/s/gpu,1639\ngb200,64,Llama-3.1-70B,8192,256,2,4,fp8,step_time,ms,\nm100,64,LLAMA3_70B,8192,256,4,8,bf16,model_tflops_per_gpu,,\nh100,8,x,,4,8,1,,iteration_time,,1.4\na100,64,LLAMA3_70B,8192,256,4,8,FP8,step_time,s,\nh1oo,64,LLAMA3_70B,8192,256,4,8,,step_time,s,\nh100,60,LLAMA3_70B,8192,256,4,8,,step_time,s,\n' >t.csv; assay predict --cases t.csv | cut -d, -f 1,3,11- | sed -E 's/,[0-9]+(\.[0-9]+)?/,N/g; s/: there are.*|: did you.*/"/; s/; transferred.*/…"/'
~ 3 of 7 rows predicted (table train)
device,model,value,value_predicted,value_p10,value_p90,grade,why
h100,LLAMA3_70B,N,N,N,N,A,"runs on this chip were fitted; megatron as its runs were fitted; priced as tp 4 cp 1 pp 8 dp 2 ep 1, 128 x 1 sequences of 8192, zero 1, recompute none; links of system dgx-h100"
gb200,Llama-3.1-70B,,N,N,N,B,"datasheet…"
m100,LLAMA3_70B,,,N,N,D,"a number of the chip is assumed; peak_bf16_flops_per_s is only known as a range: no point; megatron as its runs were fitted; priced as tp 4 cp 1 pp 8 dp 2 ep 1, 128 x 1 sequences of 8192, zero 1, recompute none; no system has this device: its scale-up links, assumed ones beyond"
h100,x,N,,,,,model 'x': no shape is known and its name has no size
a100,LLAMA3_70B,,,,,,the device does not multiply f8e4m3
h1oo,LLAMA3_70B,,,,,,"there is no description of a device 'h1oo'"
h100,LLAMA3_70B,,,,,,tp 4 x pp 8 x cp 1 do not divide the 60 devices

# results of MLPerf: rates and times to train; what no law is of says so
$ printf 'round,accelerator,acc_count,benchmark,scenario,metric,value\ninference_v4.1,NVIDIA H100-SXM-80GB,8,resnet50,Offline,samples/s,705887\ninference_v4.1,NVIDIA H200-SXM-141GB,8,llama2-70b-99,Server,tokens/s,\ntraining_v4.0,h100,512,gpt3,train,time_to_train_minutes,\ntraining_v4.0,m300,512,gpt3,train,time_to_train_minutes,\ninference_v4.1,h100,8,resnet50,SingleStream,p90_latency_ns,\ninference_v4.1,h100,8,alphafold,Offline,samples/s,\n' >m.csv; assay predict --cases m.csv | cut -d, -f 4,7- | sed -E 's/,[0-9]+(\.[0-9]+)?/,N/g; s/law of [0-9]+ results on [0-9]+/law of N results on N/'
~ 4 of 6 rows predicted (table mlperf)
benchmark,value,value_predicted,value_p10,value_p90,grade,why
resnet50,N,N,N,N,A,results on this chip were fitted; the law of N results on N chips
llama2-70b-99,,N,N,N,B,datasheet; transferred from other chips; the law of N results on N chips
gpt3,,N,N,N,A,results on this chip were fitted; the law of N results on N chips
gpt3,,,N,N,D,a number of the chip is assumed; the law of N results on N chips; peak_bf16_flops_per_s is only known as a range: no point
resnet50,,,,,,"no model of the scenario 'SingleStream': offline, server and train have one"
alphafold,,,,,,"no result of alphafold, offline, in samples/s was fitted"

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
! assay: the table serving has neither --own nor --figures nor --points
$ printf 'device,m,n,k,dtype,latency_us\nh100,1,1,1,fp16,5\n' >k.csv; assay calibrate k.csv v.csv
? 2
! assay: 'k.csv' is a table 'gemm' and 'v.csv' a table 'serving': they are fitted apart; gemm, attention, moe_ffn and collective together; serving, train and mlperf each by itself
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
$ printf 'device,m,n,k,dtype,framework,latency_us\nh100-sxm,4096,4096,4096,bfloat16,s,174\na100-sxm-80gb,4096,4096,4096,bfloat16,s,514\n' >g.csv; assay calibrate g.csv -o k.json --points p.csv && grep -cE '"(h100-sxm|a100-sxm-80gb)"' k.json; cut -d, -f 2-4 p.csv
2
class,chip,formats
gemm,h100-sxm,wide
gemm,a100-sxm-80gb,wide

# so it does of whole runs and of MLPerf's results, each by its own file
$ printf 'device,devices,model,seq,global_batch,tp,pp,precision,metric,unit,value\nh100,64,LLAMA3_70B,8192,256,4,8,FP8,tokens_per_s_per_gpu,tok/s/gpu,1639\n' >r.csv; assay calibrate r.csv -o training.json --table page.md && grep -c h100-sxm training.json && sed -n '1s/# //p' page.md; assay predict --cases r.csv --training-coefficients training.json 2>/dev/null | tail -1 | awk -F, '{ print ($12 / $11 > 0.9 && $12 / $11 < 1.1) ? "near" : $12 / $11 }'
1
Training, models and chips left out
near
$ printf 'round,accelerator,acc_count,benchmark,scenario,metric,value\nv4.1,h100,8,mine,Offline,samples/s,800\n' >r.csv; assay calibrate r.csv -o laws.json && assay predict --cases r.csv --mlperf-coefficients laws.json 2>/dev/null | tail -1 | awk -F, '{ print ($8 > 799 && $8 < 801) ? "met" : $8 }'
met
$ assay calibrate r.csv ./r.csv
! assay: 'r.csv' and './r.csv' are the same: it would count twice
? 2

$ assay calibrate --own r.csv
? 2
! assay: the table mlperf has neither --own nor --figures nor --points

$ printf 'device,m,n,k,dtype,latency_us\nnone-such,1,1,1,fp16,5\n' >h.csv; assay calibrate h.csv
? 2
~ row 1

# a few rows of a chip at hand move the shipped fit to it: half as fast as predicted, and so are other products
$ printf 'device,m,n,k,dtype\nh200-sxm,8192,8192,8192,bfloat16\nh200-sxm,4096,8192,8192,bfloat16\nh200-sxm,4096,4096,8192,bfloat16\n' >o.csv; assay predict --cases o.csv 2>/dev/null | awk -F, 'NR == 1 { print $1 "," $2 "," $3 "," $4 "," $5 ",latency_us"; next } { print $1 "," $2 "," $3 "," $4 "," $5 "," 2 * $6 }' >own.csv; assay calibrate --own own.csv -o own.json; printf 'device,m,n,k,dtype\nh200-sxm,8192,4096,8192,bfloat16\n' >p.csv; (assay predict --cases p.csv; assay predict --cases p.csv --coefficients own.json) 2>/dev/null | grep h200 | cut -d, -f 6,9 | tr ',\n' '  ' | awk '{ print ($3 / $1 > 1.7 && $3 / $1 < 2.3) ? "twice" : $3 / $1, $2, $4 }'
twice B A
