# Cases that are spread over ranks: processes that exchange messages, judged by what one graph of them all gives.
$ assay run decoder.gradients/model=tiny-ranks,batch=4,tokens=16,dp=4 decoder.gradients/model=tiny-ranks,batch=4,tokens=16,sp=true,tp=4 decoder.gradients/model=tiny-ranks,batch=4,pp=4,tokens=16 decoder.gradients/model=tiny-ranks,batch=4,ep=4,tokens=16 decoder.gradients/model=tiny-ranks,batch=4,tokens=16,dp=2,tp=2 decoder.gradients/model=tiny-ranks,batch=4,pp=2,tokens=16,tp=2 decoder.gradients/model=tiny-ranks,batch=4,pp=4,schedule=1f1b,tokens=16 decoder.gradients/model=tiny-ranks,batch=2,cp=4,tokens=16 decoder.gradients/model=tiny-ranks,batch=4,cp=2,tokens=16,tp=2 decoder.gradients/model=tiny-ranks,batch=4,cp=2,pp=2,tokens=16 decoder.train/model=tiny-ranks,batch=4,cp=2,dp=2,tokens=16,zero=2 decoder.train/model=tiny-ranks,batch=4,dp=2,ep=2,tokens=16,zero=2 decoder.train/model=tiny-ranks,batch=8,chunks=2,pp=2,schedule=1f1b,tokens=16,tp=2 --ranks 4 --backend cpu,threads=1 --launches 1 --min-runs 8 --min-s 0 -o four --quiet
four

$ assay validate four | sed -nE 's/^(pass|marginal) .* (decoder[^ ]*) .*/\2/p; $p'
decoder.gradients/model=tiny-ranks,batch=4,tokens=16,dp=4
decoder.gradients/model=tiny-ranks,batch=4,tokens=16,tp=4,sp=true
decoder.gradients/model=tiny-ranks,batch=4,tokens=16,pp=4
decoder.gradients/model=tiny-ranks,batch=4,tokens=16,ep=4
decoder.gradients/model=tiny-ranks,batch=4,tokens=16,dp=2,tp=2
decoder.gradients/model=tiny-ranks,batch=4,tokens=16,tp=2,pp=2
decoder.gradients/model=tiny-ranks,batch=4,tokens=16,pp=4,schedule=1f1b
decoder.gradients/model=tiny-ranks,batch=2,tokens=16,cp=4
decoder.gradients/model=tiny-ranks,batch=4,tokens=16,tp=2,cp=2
decoder.gradients/model=tiny-ranks,batch=4,tokens=16,cp=2,pp=2
decoder.train/model=tiny-ranks,batch=4,tokens=16,dp=2,cp=2,zero=2
decoder.train/model=tiny-ranks,batch=4,tokens=16,dp=2,ep=2,zero=2
decoder.train/model=tiny-ranks,batch=8,tokens=16,tp=2,pp=2,schedule=1f1b,chunks=2
13 passed, 0 failed, 0 not checked

# exchanges alone, whose content is whole numbers: every bit counts
$ assay run collective.all_reduce/bytes=64KiB,ranks=4 collective.all_gather/bytes=64KiB,ranks=4 collective.reduce_scatter/bytes=60KiB,ranks=3 collective.all_to_all/bytes=64KiB,dtype=i32,ranks=4 collective.send_receive/bytes=8MiB,ranks=3 --backend cpu,threads=1 --launches 1 --min-runs 8 --min-s 0 -o exchange --quiet && assay validate exchange | sed -nE 's/^([a-z_]+) +[a-z]+ +0 .* (collective[^ ]*) .*/\1 \2/p; $p'
exchange
pass collective.all_reduce/ranks=4,bytes=64KiB
pass collective.all_gather/ranks=4,bytes=64KiB
pass collective.reduce_scatter/ranks=3,bytes=60KiB
pass collective.all_to_all/ranks=4,bytes=64KiB,dtype=i32
pass collective.send_receive/ranks=3,bytes=8MiB
5 passed, 0 failed, 0 not checked
$ grep -c '"link_bytes_per_s":{"clock":"host","n":[0-9]*,"value":[0-9]' exchange/records.jsonl
5
$ assay run collective.all_to_all/bytes=36,ranks=4 -o bad
? 2
~ bytes must be a multiple of 16 (a whole number of elements for each rank), got 36

# what the case does not say of itself
$ assay run decoder.train/model=tiny-ranks,batch=4,dp=2,tokens=16 --ranks 4 --backend cpu -o bad
? 2
! assay: 'decoder.train/model=tiny-ranks,batch=4,tokens=16,dp=2' is work for 2 ranks; --ranks says 4; the case's mesh says how many: dp=2,tp=2 is 4
$ assay run decoder.train/model=tiny-ranks,batch=3,dp=2,tokens=16 --backend cpu -o bad
? 2
~ batch 3 of 'tiny-ranks' does not divide by dp x ep 2
$ assay run decoder.train/model=tiny-ranks,tokens=16,tp=3 --backend cpu -o bad
? 2
~ heads 4 of 'tiny-ranks' does not divide by tp 3
$ assay run decoder.train/cp=2,model=tiny-ranks,tokens=6 --backend cpu -o bad
? 2
~ tokens 6 of 'tiny-ranks' does not divide by 2 x cp 4
$ assay run decoder.train/model=tiny-ranks,pp=3,tokens=16 --backend cpu -o bad
? 2
~ layers 4 of 'tiny-ranks' does not divide by pp 3
$ assay run decoder.serve/model=tiny-ranks,tokens=16,tp=2 --backend cpu -o phase
? 2
~ a mesh of 2 ranks in phase serve, which is not split; phases train and gradients are
$ assay run decoder.train/model=tiny-ranks,tokens=16,tp=2@offline --backend cpu -o scenario
? 2
! assay: a scenario on 2 ranks; queries come to one session, ranks have one each
$ assay run decoder.train/chunks=2,model=tiny-ranks,pp=2,tokens=16 --backend cpu -o bad
? 2
~ chunks 2 with schedule gpipe: schedule 1f1b interleaves them
$ assay run decoder.train/batch=3,chunks=2,model=tiny-ranks,pp=2,schedule=1f1b,tokens=16 --backend cpu -o bad
? 2
~ batch of a stage 3 of 'tiny-ranks' does not divide by pp 2

# a device that is modelled alone, and one that computes nothing
$ assay run decoder.train/model=tiny-ranks,tokens=16,tp=2 --backend m100 --launches 1 -o model --quiet
model
? 3
$ sed -nE 's/.*"reason":"([^"]*)".*/\1/p' model/records.jsonl
node 'model.summed' (AllReduce): AllReduce of 2 ranks: this is the model of one device; `assay search` models systems
$ assay run decoder.train/model=tiny-ranks,tokens=16,tp=2 --backend null --launches 1 -o null --quiet
null
? 3
$ sed -nE 's/.*"reason":"([^"]*)".*/\1/p' null/records.jsonl
'null:nothing,queues=1' computes no values, and ranks that do not cannot be followed

# a rank that is killed costs its case, and is named
$ assay run decoder.train/model=tiny-ranks,batch=4,dp=4,tokens=16 gemm/k=64,m=64,n=64 --backend cpu,threads=1 --launches 1 --min-runs 4 --min-s 3s --max-s 3s -o killed --quiet & run=$!; for i in $(seq 400); do leader=$(pgrep -P $run | head -1); ranks=$(pgrep -P "${leader:-0}" | wc -l); [ "$ranks" = 4 ] && break; sleep 0.02; done; sleep 0.5; kill -9 $(pgrep -P "$leader" | sed -n 3p); wait $run
killed
$ sed -nE 's/.*"status":"([a-z]*)".*/\1/p' killed/records.jsonl
error
ok
$ sed -nE 's/.*"reason":"([^"]*killed by[^"]*)".*/\1/p' killed/records.jsonl | sed -E 's/ on [^:]*:/ on HOST:/'
rank 2 on HOST: killed by SIGKILL (Killed)

# a rank that errs: the judge sees its outputs, and the record says which it was, where and why; what comes after it is run
$ for what in wrong:3 crash:1 stop:2 refuse:0; do ASSAY_TEST_RANK=$what assay run decoder.gradients/model=tiny-ranks,batch=4,tokens=16,dp=2,tp=2 gemm/m=64,n=64,k=64 --backend "$(dirname "$ASSAY_PROGRAM")/fixtures/one_rank_errs.so,threads=1" --launches 1 --min-runs 8 --min-s 0 --timeout-s 6 -o "${what%:*}" --quiet 2>/dev/null; sed -nE 's/.*"status":"([a-z]*)".*/\1/p' "${what%:*}/records.jsonl" | paste -sd' '; done
wrong
ok ok
crash
error ok
stop
error ok
refuse
unsupported ok
$ assay validate wrong | sed -nE "s/^fail .*  ('[a-z_.0-9]*@[0-9]') at .*/\1/p; \$p"
? 1
'loss@3'
1 passed, 1 failed, 0 not checked
$ sed -nE 's/.*"reason":"([^"]+)".*/\1/p' crash/records.jsonl stop/records.jsonl refuse/records.jsonl | sed -E 's/ for [0-9.]+ s: rank [0-9]/ for TIME: rank N/'
rank 1 on HOST: killed by SIGSEGV (Segmentation fault)
rank 2 on HOST: nothing came of rank 2 for TIME: rank N waits in all_reduce
node 'model.embed_tokens.own_indices' (Sub): this rank will not

# for who gathers test results it is an error, with the line that repeats it
$ for what in crash stop; do assay export "$what" --format junit -o "$what.xml"; grep -o 'failures="0" errors="1"' "$what.xml"; sed -nE 's/.*<error message="(rank [0-9]) on [^"]*" type="error">(assay run [a-z.]*).* (--ranks 4 --launcher fork).*/\1: \2 … \3/p' "$what.xml"; done
crash.xml
failures="0" errors="1"
rank 1: assay run decoder.gradients … --ranks 4 --launcher fork
stop.xml
failures="0" errors="1"
rank 2: assay run decoder.gradients … --ranks 4 --launcher fork

# what the record has of ranks: where they ran, how long each took, how often it took longest
$ grep -o '"compiled":"4 ranks by fork, over memory: 0-3 on [^ ]*, cores' wrong/records.jsonl
"compiled":"4 ranks by fork, over memory: 0-3 on HOST, cores
$ grep -o '"name":"rank 3 [a-z ]*"' wrong/records.jsonl
"name":"rank 3 mean time"
"name":"rank 3 took longest"
$ grep -o -- '--ranks 4 --launcher fork' wrong/records.jsonl
--ranks 4 --launcher fork

# other launchers
$ assay run collective.all_reduce/ranks=2 --launcher mprun -o bad
? 2
~ must be one of fork, mpirun, srun
$ PATH= "$ASSAY_PROGRAM" run collective.all_reduce/ranks=2 --launcher srun -o bad
? 2
! assay: there is no srun in PATH; package slurm-client, on a host of the cluster (while reading option '--launcher srun')
@skip asan,tsan,no-mpi: sanitizers look into Open MPI itself; without it ci/setup check brings it
$ export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none; assay run decoder.train/model=tiny-ranks,batch=4,tokens=16,dp=2,tp=2 collective.all_reduce/bytes=1MiB,ranks=4 --ranks 4 --launcher mpirun --backend cpu,threads=1 --launches 1 --min-runs 8 --min-s 0 -o mpi --quiet && assay validate mpi | tail -1; grep -o '4 ranks by mpirun, over mpi' mpi/records.jsonl
mpi
2 passed, 0 failed, 0 not checked
4 ranks by mpirun, over mpi
4 ranks by mpirun, over mpi
@skip asan,tsan,no-mpi: sanitizers look into Open MPI itself; without it ci/setup check brings it
$ export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none ASSAY_TEST_RANK=crash:2; assay run collective.all_reduce/bytes=1MiB,ranks=4 gemm/m=64,n=64,k=64 --launcher mpirun --backend "$(dirname "$ASSAY_PROGRAM")/fixtures/one_rank_errs.so,threads=1" --launches 1 --min-runs 8 --min-s 0 -o mpi-crash --quiet 2>/dev/null; sed -nE 's/.*"reason":"([^"]+)".*/\1/p' mpi-crash/records.jsonl
mpi-crash
rank 2 on HOST: its process is gone
