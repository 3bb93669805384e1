# Texts from outside (a suite's name and about, what a plug-in says of itself, a run folder from somebody else) do nothing in a
# terminal, a page, a table of a spreadsheet, Markdown or JSON.
$ cp "$ASSAY_SOURCE/ci/golden/data/hostile.json" "$ASSAY_SOURCE/ci/golden/data/hostile.sed" . && assay plan hostile.json | cat -v | grep -E '"(about|name)"'
  "about": "=cmd|' /C calc'!A1 <img src=x onerror=alert(1)> \u001B]0;t\u0007 \u202E ; , \" \\ ` $(x) ${y} | *b* [l](u)\n# head",
  "name": "=1+1,\"x\"<script>alert(1)</script>\u001B[31m\u009B31m|a|\n",

$ assay plan hostile.json | LC_ALL=C grep -c '[^[:print:][:space:]]'
0
? 1

# its name is no name for a folder
$ assay run hostile.json --backend template
! assay: the suite's name '=1+1,"x"<script>alert(1)</script>\x1b[31m\xc2\x9b31m|a|\x0a' is no name for a folder; say where to write: -o DIR
? 2

$ ls
hostile.json
hostile.sed

$ assay run hostile.json --backend template --backend null -o a --quiet && forge a hostile.sed
a

# a back end's words with all of it, in records with the right checksums
$ grep -c 'u001b' a/records.jsonl
4

$ assay validate a >text 2>&1; assay compare a a --backend-a template:host,memory=4GiB --backend-b null:nothing,queues=1 >>text 2>&1; LC_ALL=C grep -c '[[:cntrl:]]' text
0
? 1

$ assay report a --format html,md,csv,json -o r >/dev/null; LC_ALL=C grep -lE $'\033|\007|\302\233' r/*
? 1

# a page has no element and no attribute of theirs
$ grep -ciE '<script|<img src=x|onerror="' r/index.html; grep -c 'lt;script&gt;alert(1)' r/index.html | sed 's/[1-9][0-9]*/some/'
0
some

$ grep -cE '<script|<img|^# head|\[l\]\(u\)' r/report.md; grep -c '&lt;script&gt;' r/report.md | sed 's/[1-9][0-9]*/some/'
0
some

# the tables in Chinese and a bundle of it all
$ grep -ciE '<script|<img src=x|onerror="' r/report.zh.html; assay bundle a -o h.bundle >out 2>&1; assay verify h.bundle | sed -nE 's/^(files|report) .*/\1/p'; assay verify h.bundle 2>&1 | LC_ALL=C grep -c '[[:cntrl:]]'
0
files
report
0
? 1

# no field of a table begins a formula: those are quoted and defused
$ grep -cE '(^|,)"?[=@+-][A-Za-z1]' r/report.csv; grep -c "\"'=1+1" r/report.csv | sed 's/[1-9][0-9]*/some/'
0
some

# rows keep their fields: as many as the head has, separators and line breaks in quotes
$ tr -d '\n' <r/report.csv | tr '\r' '\n' | sed -E 's/"([^"]|"")*"/Q/g' | awk -F, '{print NF}' | sort -u
19

# JSON is JSON and has the very text
$ grep -o '"name": "=1+1[^,]*' r/report.json | head -1
"name": "=1+1

# names in messages
$ assay validate "$(printf 'no\033[31m\nsuch')"
! assay: there is no run folder 'no\x1b[31m\x0asuch'
? 2

$ assay run gemm --backend "$(printf 'nul\033[31ml')"
! assay: the name of a back end has a control character at position 4 (while asking back end 'nul\x1b[31ml' what it finds)
? 2

$ assay run "$(printf 'ge\033[31m\tmm.json')"
! assay: cannot open 'ge\x1b[31m\x09mm.json': No such file or directory
? 2

$ assay report a --format "$(printf 'ht\033[31mml')"
! assay: unknown format 'ht\x1b[31mml' (html, md, csv, xlsx, json, pdf)
? 2

$ assay list "$(printf 'su\033[31mites')"
! assay: there is no list of 'su\x1b[31mites'; there are: suites, workloads, models, backends, devices, systems, ops, counters, metrics, scenarios
? 2

$ plan-text '{ "format": "assay-suite/1", "na\u001b[31mme": 1 }'
! assay: suite.json:1: unknown key 'na\x1b[31mme'; known: format, name, about, defaults, cases
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [ { "workload": "ge\u001b[31mmm" } ] }'
! assay: suite.json:1: unknown workload 'ge\x1b[31mmm'; assay list workloads lists them
? 2

# a folder's name in the command that is proposed next can be pasted
$ assay run gemm/m=4,n=4,k=4 --backend null --launches 1 --min-s 1ms -o "it's \$(here)" 2>&1 >/dev/null | tail -1
  next: assay validate 'it'\''s $(here)'
