$ assay run "$ASSAY_SOURCE/ci/golden/data/tiny.json" --backend template -o a --quiet && assay validate a --json | grep passed
a
  "passed": 3

$ assay report a
a/report/index.html
a/report/report.zh.html

$ assay report a --format html,md,csv,json -o r
r/index.html
r/report.zh.html
r/report.md
r/report.zh.md
r/report.csv
r/report.json

$ head -c 15 r/index.html; echo; head -1 r/report.md | cut -c3-; head -1 r/report.csv; grep '"format"' r/report.json
<!DOCTYPE html>
Assay report
run,case,id,backend,device,product,metric,value,low,high,level,n,unit,evidence,grade,status,verdict,noisy_launches,why
  "format": "assay-report/1",
        "format": "assay-manifest/1",
          "format": "assay-plan/1",

# Assay report
# Assay report
# Assay report
$ assay report a --format csv,csv -o r2; ls r2
r2/report.csv
report.csv

$ assay report a 2>&1 >/dev/null

# the same folders, the same bytes
$ assay report a --format html,md,csv,json -o r3 >/dev/null && diff -r r r3

# also with what a policy adds, from a copy that lies elsewhere, and at another time
$ assay report a --policy inference-service --claims p800-bandwidth --format html,md,csv,json,xlsx -o r6 >out; cat out; mkdir -p else/where && cp -r a else/where && sleep 1 && assay report else/where/a/ --policy inference-service --claims p800-bandwidth --format html,md,csv,json,xlsx -o r7 >out && diff -r r6 r7
r6/index.html
r6/report.zh.html
r6/decision.en.html
r6/deviation.en.html
r6/decision.zh.html
r6/deviation.zh.html
r6/report.md
r6/report.zh.md
r6/report.csv
r6/report.json
r6/decision.json
r6/report.en.xlsx
r6/report.zh.xlsx

$ assay report a --format xlsx --lang zh -o r8
r8/report.zh.xlsx

# no browser: one line with the reason and the cure, and all other formats are there
$ mkdir nothing; PATH=nothing "$ASSAY_PROGRAM" report a --format pdf,csv -o r9
! assay: no pdf: there is no program chromium, chromium-browser or google-chrome to print with; install package chromium, or print the html from any browser
r9/report.csv
? 3

$ assay report a --format html --lang fr -o r10
! assay: unknown language 'fr' (en, zh)
? 2

$ assay report a --claims p800-bandwidth
! assay: --claims stand in what a policy adds: give --policy as well
? 2

$ assay report a --policy no-such -o r10
~ there is no policy 'no-such'
? 2

$ ls r10
? 2

# every case, back end and metric has its row, and two more tell how its bits repeat; what has no value has its reason
$ wc -l <r/report.csv; assay list metrics --json | grep -c '"metric"'
196
63

$ awk -F, 'NR > 1 && $8 == "" && $NF ~ /^\r?$/' r/report.csv

# a page that needs nothing else
$ grep -cE '(src|href)="https?://' r/index.html
0
? 1

# several runs in one report
$ cp -r a b && assay report a b --format md -o both && grep -c '^|' both/report.md >/dev/null && echo yes
both/report.md
both/report.zh.md
yes

# nothing in a run changes but for its folder report/
$ diff -rq a b

$ assay report
! assay: report needs a run folder or several: assay report out/quick
? 2

$ assay report no-such-folder
! assay: there is no run folder 'no-such-folder'
? 2

$ assay report a no-such-folder -o r4
! assay: there is no run folder 'no-such-folder'
? 2

$ ls r4
! ls: cannot access 'r4': No such file or directory
? 2

$ assay report a --format htm
! assay: unknown format 'htm'; did you mean 'html'? (html, md, csv, xlsx, json, pdf)
? 2

$ assay report a --format xyzzy
! assay: unknown format 'xyzzy' (html, md, csv, xlsx, json, pdf)
? 2

$ assay report a --format ''
! assay: option '--format' must not be empty
? 2

$ assay report a --format ,
! assay: unknown format '' (html, md, csv, xlsx, json, pdf)
? 2

$ assay report a --format html, 
! assay: unknown format '' (html, md, csv, xlsx, json, pdf)
? 2

$ assay report a --fromat html
! assay: unknown option '--fromat'; did you mean '--format'?
? 2

$ touch file && assay report a -o file
! assay: cannot make folder 'file': Not a directory
? 2

$ assay report a -o file/sub
! assay: cannot make folder 'file': Not a directory
? 2

# a full disk is told; the report that was there stays whole
$ cp -r r r5 && small-files 1 assay report a --format csv -o r5 2>&1 | sed 's/[0-9]* bytes/N bytes/'; cmp r/report.csv r5/report.csv && ls r5
assay: cannot write N bytes to 'r5/report.csv': File too large
index.html
report.csv
report.json
report.md
report.zh.html
report.zh.md

# one folder is one run, by whatever path
$ assay report a ./a -o twice
! assay: 'a' and './a' are the same: it would count twice
? 2
