# MLPerf results of others: cited, in a table of their own
$ printf 'round,division,submitter,system,accelerator,acc_count,benchmark,scenario,metric,value,source_path\ninference_v4.1,closed,Somebody,Box of eight,Chip,8,bert-99,Offline,samples/s,28275.70,where/it/lies\ninference_v4.1,open,=cmd|x,<b>Box</b>,Other,4,bert-99,Server,queries/s,100,there\n' >a.csv && assay import mlperf a.csv --retrieved 2026-11-27 -o m.json
m.json: 2 MLPerf™ results, as published

$ assay import mlperf a.csv --retrieved 2026-11-27 --match 'of eight' -o n.json
n.json: 1 MLPerf™ results, as published

$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template -o run --quiet && assay validate run --quiet >out; assay report run --mlperf m.json --format html,md,csv,json -o r
run
r/index.html
r/report.zh.html
r/mlperf.en.html
r/mlperf.zh.html
r/report.md
r/report.zh.md
r/mlperf.en.md
r/mlperf.zh.md
r/report.csv
r/mlperf.en.csv
r/mlperf.zh.csv
r/report.json
r/mlperf.en.json
r/mlperf.zh.json

# what is asked of whoever cites them, in both languages
$ grep -L 'trademarks of MLCommons Association' r/mlperf.en.*; grep -L 'MLCommons Association 在美国及其他国家的商标' r/mlperf.zh.*; grep -hoE 'MLPerf.?' r/mlperf.* | sort -u
MLPerf™

$ sed -n 's/^1\. //p' r/mlperf.en.md r/mlperf.zh.md
MLPerf™ inference\_v4.1 closed bert-99 Offline. Retrieved from https://mlcommons.org/benchmarks/ on 2026-11-27, entry where/it/lies. Published by MLCommons Association; this copy was not verified by MLCommons Association.
MLPerf™ inference\_v4.1 closed bert-99 Offline。2026-11-27 检索自 https://mlcommons.org/benchmarks/，条目 where/it/lies。由 MLCommons Association 公布；本副本未经 MLCommons Association 核实。

# nothing of them in our reports, nothing of ours among them; our reports are the same bytes without them
$ grep -lE 'Box of eight|28275|MLPerf results' r/index.html r/report.*; grep -l 'gemm/' r/mlperf.*; assay report run --format html,md,csv,json -o r2 >out && for f in index.html report.md report.csv report.json; do cmp r/$f r2/$f; done

$ grep -c '<b>Box' r/mlperf.en.html; grep -cE '(^|,)=' r/mlperf.en.csv
0
0
? 1

# bad input, each in one line
$ assay import mlperf a.csv -o z.json
! assay: '' is no date of retrieval; a citation needs one, like 2026-11-27
? 2

$ assay import mlperf a.csv --retrieved 2026-11-27 --match nothing -o z.json
! assay: there is no row with 'nothing' in it
? 2

$ sed 's/,Somebody,/,,/' a.csv >b.csv; assay import mlperf b.csv --retrieved 2026-11-27 -o z.json
! assay: row 1: has no submitter (while reading 'b.csv')
? 2

$ sed 's/28275.70/fast/' a.csv >b.csv; assay import mlperf b.csv --retrieved 2026-11-27 -o z.json
! assay: row 1: 'fast' is no result: a positive number (while reading 'b.csv')
? 2

$ echo '[' >b.json; assay import mlperf b.json --retrieved 2026-11-27 -o z.json
~ b.json
? 2

$ assay report run --mlperf a.csv -o z
~ a.csv:1
? 2

$ sed 's/"retrieved": "2026-11-27"/"retrieved": "soon"/' m.json >b.json; assay report run --mlperf b.json -o z
~ 'soon' is no date of retrieval
? 2

$ ls z z.json
? 2

$ assay import
~ import needs 'mlperf', files and where to write
? 2

$ assay import mlperf a.csv ./a.csv --retrieved 2026-11-27 -o twice.json
! assay: 'a.csv' and './a.csv' are the same: it would count twice
? 2
