# Properties apart: each has its runs, or the reason why it has none.
$ assay probe repeat gemm/m=16,n=33,k=100 --backend emulate,unit=fp32-fma --repeats 40 --arrangements 8 | sed -E 's/  +/ | /g; s/ \| *$//'
case | property | what is compared | found (95 %) | where, how much; or why not
gemm/m=16,n=33,k=100 | runs | one execution after another in one process | 40 repeats identical: at most 7.2 % differ
 | processes | first outputs of other processes | 4 repeats identical: at most 53 % differ
 | threads | other numbers of threads | back end emulate has no option threads
 | neighbours | the same items among others | 8 repeats identical: at most 31 % differ
 | place | the same items at other places of the batch | 8 repeats identical: at most 31 % differ
 | size | the same items in batches of other sizes | 16 repeats identical: at most 17 % differ

# the cpu's own kernels do not let the number of threads, the neighbours or the place into a product
$ assay probe repeat gemm/m=16,n=33,k=100 softmax/rows=9,columns=33 --backend cpu,blas=own --repeats 40 --processes 3 --arrangements 8 | sed -E 's/  +/ | /g; s/ \| *$//' | grep -E 'runs|processes|neighbours|place'
gemm/m=16,n=33,k=100 | runs | one execution after another in one process | 40 repeats identical: at most 7.2 % differ
 | processes | first outputs of other processes | 2 repeats identical: at most 78 % differ
 | neighbours | the same items among others | 8 repeats identical: at most 31 % differ
 | place | the same items at other places of the batch | 8 repeats identical: at most 31 % differ
softmax/rows=9,columns=33 | runs | one execution after another in one process | 40 repeats identical: at most 7.2 % differ
 | processes | first outputs of other processes | 2 repeats identical: at most 78 % differ
 | neighbours | the same items among others | 8 repeats identical: at most 31 % differ
 | place | the same items at other places of the batch | 8 repeats identical: at most 31 % differ

$ assay probe repeat gemm/m=16,n=33,k=100 --backend cpu,blas=own --repeats 4 --processes 2 --arrangements 2 --json | grep -E '"(runs|processes|threads|neighbours|place|size)": \{' | sort
      "neighbours": {
      "place": {
      "processes": {
      "runs": {
      "size": {
      "threads": {

# sums whose order changes: found from run to run, and said of the others that they cannot be told apart
$ assay probe repeat gemm/m=16,n=33,k=100 --backend chaos,mode=unordered --repeats 40 --processes 5 --arrangements 4 | sed -E "s/  +/ | /g; s/ \| *$//; s/element [0-9]+, .*; at most [0-9] ulp, [-.0-9e]+ of the rms/element N, …; at most a few ulp/" | sed -E 's/[0-9]+ of [0-9]+ differ: [.0-9]+ % to [.0-9]+ %/SOME differ/'
case | property | what is compared | found (95 %) | where, how much; or why not
gemm/m=16,n=33,k=100 | runs | one execution after another in one process | SOME differ | first 'C' element N, …; at most a few ulp
 | processes | first outputs of other processes | SOME differ | first 'C' element N, …; at most a few ulp; runs differ too: this may be the same
 | threads | other numbers of threads | back end chaos has no option threads
 | neighbours | the same items among others | SOME differ | first 'C' element N, …; at most a few ulp; runs differ too: this may be the same
 | place | the same items at other places of the batch | SOME differ | first 'C' element N, …; at most a few ulp; runs differ too: this may be the same
 | size | the same items in batches of other sizes | SOME differ | first 'C' element N, …; at most a few ulp; runs differ too: this may be the same
? 1

# results that depend on what else is in the batch: every run repeats, and no arrangement does
$ assay probe repeat gemm/m=16,n=33,k=100 --backend chaos,mode=neighbour --repeats 40 --processes 3 --arrangements 8 | sed -E "s/  +/ | /g; s/ \| *$//; s/element [0-9]+, .*; at most [0-9] ulp, [-.0-9e]+ of the rms/element N, …; at most a few ulp/" | grep -E '^gemm|processes|neighbours|place'
gemm/m=16,n=33,k=100 | runs | one execution after another in one process | 40 repeats identical: at most 7.2 % differ
 | processes | first outputs of other processes | 2 repeats identical: at most 78 % differ
 | neighbours | the same items among others | 8 of 8 differ: 63 % to 100 % | first 'C' element N, …; at most a few ulp
 | place | the same items at other places of the batch | 8 of 8 differ: 63 % to 100 % | first 'C' element N, …; at most a few ulp
? 1

# what has no items says so
$ assay probe repeat memory/bytes=4096 reduce/rows=8,columns=5,axis=0 --backend reference --repeats 4 --processes 2 | sed -E 's/  +/ | /g; s/ \| *$//' | grep -E 'place'
 | place | the same items at other places of the batch | workload 'memory' has no batch: none of its parameters counts items
 | place | the same items at other places of the batch | no output of the case belongs to an item

$ assay probe repeat gemm/m=4,n=4,k=4 --backend null
! assay: 'null:nothing,queues=1' computes no values (while asking how 'gemm/m=4,n=4,k=4' repeats)
? 3

$ assay probe repeat gemm/m=4,n=4,k=4 --backend chaos,mode=crash
~ assay: worker killed by SIGSEGV
? 3

$ assay probe repeat gem --backend cpu
~ did you mean 'gemm'?
? 2

$ assay probe repeat
! assay: probe asks for numerics or repeat: assay probe numerics --backend cpu, or assay probe repeat gemm --backend cpu
? 2

# no temporary folder is left behind
$ mkdir t; TMPDIR=$PWD/t assay probe repeat gemm/m=4,n=4,k=4 --backend template --repeats 2 --processes 2 >a; ls t | wc -l
0

# what the witnesses of a run say by themselves
$ assay run gemm/m=32,n=33,k=10 --backend template --backend chaos,mode=unordered --backend null --launches 3 --min-runs 32 --min-s 0 -o a.run --quiet && assay validate a.run --repeats | sed -n '/within/,$p' | sed -E 's/chaos:[^ ]*/chaos:…/; s/  +/ | /g; s/ \| *$//; s/\| [0-9]+ repeats identical: at most [0-9.]+ % differ \|/| SOME identical |/; s/[0-9]+ of [0-9]+ differ: [0-9]+ % to 100 % \|/ALL differ |/'
a.run
case | backend | executions within a launch (95 %) | launches (95 %)
gemm/m=32,n=33,k=10 | template:host,memory=4GiB | SOME identical | 2 repeats identical: at most 78 % differ
gemm/m=32,n=33,k=10 | chaos:… | ALL differ | 2 of 2 differ: 16 % to 100 %
gemm/m=32,n=33,k=10 | null:nothing,queues=1 | no witness was recorded | no witness was recorded
6 passed, 0 failed, 3 not checked
