# Folders that cannot be written and disks that are full: said at once, in one line, and what was recorded stays readable.
$ touch file; assay run gemm/m=4,n=4,k=4 --backend null -o file/run
! assay: cannot make folder 'file': Not a directory
? 2

$ assay run gemm/m=4,n=4,k=4 --backend null -o file
! assay: cannot make folder 'file': Not a directory
? 2

$ assay run gemm/m=4,n=4,k=4 --backend null -o /proc/run
! assay: cannot make folder '/proc/run': No such file or directory
? 2

$ ls
file

# a disk that is full before the first record: nothing is recorded, and the run can begin again
@skip tsan: a program with ThreadSanitizer does not even start where it may write no file
$ small-files 0 assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template -o early --quiet
! assay: cannot write to 'early/lock': File too large
? 2

$ small-files 1 assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template -o early --quiet
! assay: cannot write 1067 bytes to 'early/plan.json': File too large
? 2

$ ls early
lock
samples
suite.json
trace
witness

$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template -o early --quiet
early

# … and in the middle of a run: it stops at once instead of blaming the back end for every further case
$ cp -r early a && head -2 early/records.jsonl >a/records.jsonl && small-files 100 assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template -o a --quiet --resume 2>&1 | sed -E 's/[0-9a-f]{16}/ID/g'
assay: cannot allocate 8388608 bytes for 'a/samples/ID.template_host_memory=4_i_-ID.0.bin': File too large; 2 of 3 steps are recorded; make room and go on with the same command and --resume
? 2

$ cmp a/records.jsonl <(head -2 early/records.jsonl); find a -name '*.tmp'

$ assay validate a --json
{
  "failed": 0,
  "not_checked": 0,
  "passed": 2
}

$ assay report a --format csv
a/report/report.csv

$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template -o a --quiet --resume && wc -l <a/records.jsonl && assay validate a --json | grep passed
a
3
  "passed": 3

# standard output that cannot be written
$ assay validate a >/dev/full
! assay: cannot write the result to standard output: No space left on device
? 2

$ assay validate a --json >/dev/full
! assay: cannot write the result to standard output: No space left on device
? 2

$ assay list suites >/dev/full
! assay: cannot write the result to standard output: No space left on device
? 2

$ assay show gemm >/dev/full
! assay: cannot write the result to standard output: No space left on device
? 2

$ assay report a --format md >/dev/full
! assay: cannot write the result to standard output: No space left on device
? 2
