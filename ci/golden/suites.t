# Malformed suites: one line with file, line, what is wrong and the nearest known name; exit 2.
$ plan-text ''
! assay: suite.json:2:0: '[' or '{' expected near end of file
? 2

$ plan-text '{ "format": "assay-suite/1",' '  "name": "x"' '  "cases": [] }'
! assay: suite.json:3:9: '}' expected near '"cases"'
? 2

$ plan-text '[]'
! assay: suite.json: must be an object, not an array
? 2

$ plan-text '{}'
! assay: suite.json: 'format' is missing; it must be 'assay-suite/1'
? 2

$ plan-text '{ "format": 1 }'
! assay: suite.json:1: 'format' must be a text, not an integer; it must be 'assay-suite/1'
? 2

$ plan-text '{ "format": "assay-suite/2", "name": "x", "cases": [] }'
! assay: suite.json:1: 'format' must be 'assay-suite/1', got 'assay-suite/2'
? 2

$ plan-text '{ "format": "assay-suite/1" }'
! assay: suite.json:1: 'name' is missing
? 2

$ plan-text '{ "format": "assay-suite/1", "name": 7 }'
! assay: suite.json:1: 'name' must be a text, not an integer
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "" , "cases": [ { "workload": "gemm" } ] }'
! assay: suite.json:1: the suite needs a name
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x" }'
! assay: suite.json:1: 'cases' is missing
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [] }'
! assay: suite.json:1: the suite has no cases
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": { } }'
! assay: suite.json:1: 'cases' must be an array, not an object
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [ 4 ] }'
! assay: suite.json:1: an entry of 'cases' is not an object
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "about": null, "cases": [ { "workload": "gemm" } ] }'
! assay: suite.json:1: 'about' must be a text, not null
? 2

$ plan-text "{ \"format\": \"assay-suite/1\", \"name\": \"$(printf 'n%.0s' $(seq 64))\", \"cases\": [] }"
! assay: suite.json:1: the name is longer than 63 bytes
? 2

$ plan-text "{ \"format\": \"assay-suite/1\", \"name\": \"x\", \"about\": \"$(printf 'a%.0s' $(seq 200))\", \"cases\": [] }"
! assay: suite.json:1: 'about' is longer than 199 bytes
? 2

# keys: unknown, repeated; comments are none of both
$ plan-text '{ "format": "assay-suite/1", "name": "x",' '  "//": "a remark",' '  "caes": [] }'
! assay: suite.json:3: unknown key 'caes'; did you mean 'cases'?
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x",' '  "zzzzzzz": [] }'
! assay: suite.json:2: unknown key 'zzzzzzz'; known: format, name, about, defaults, cases
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x",' '  "name": "y", "cases": [] }'
! assay: suite.json:2:8: duplicate object key near '"name"'
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm", "parms": {} } ] }'
! assay: suite.json:2: unknown key 'parms'; did you mean 'params'?
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm", "params": { "m": 4,' '    "m": 5 } } ] }'
! assay: suite.json:3:7: duplicate object key near '"m"'
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "defaults": {' '  "sed": 1 }, "cases": [ { "workload": "gemm" } ] }'
! assay: suite.json:2: unknown key 'sed'; did you mean 'seed'?
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "defaults": {' '  "seed": -1 }, "cases": [ { "workload": "gemm" } ] }'
! assay: suite.json:2: 'seed' must be from 0 to 9223372036854775807, got -1
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "defaults": {' '  "repeat": { "lanches": 3 } }, "cases": [ { "workload": "gemm" } ] }'
! assay: suite.json:2: unknown option 'lanches'; did you mean 'launches'?
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [ { "workload": "gemm" },' '  { "workload": "gemv", "repeat": { "launches": 0 } } ] }'
! assay: suite.json:2: launches must be an integer from 1 to 1000, got '0'
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [ { "workload": "gemm" },' '  { "workload": "gemv", "repeat": { "min_s": "soon" } } ] }'
! assay: suite.json:2: min_s must be a time from 0s to 86400s, got 'soon'; write 1.5s, 20ms, 3us, 500ns, 10m or 2h; bare numbers are seconds
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [ { "workload": "gemm" },' '  { "workload": "gemv", "repeat": { "min_s": [1] } } ] }'
! assay: suite.json:2: 'min_s' needs a number or a time like "300ms"
? 2

# workloads, phases, parameters: the line is that of the key, not of an equal one elsewhere
$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "params": {} } ] }'
! assay: suite.json:2: 'workload' is missing
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [ { "workload": "gemv" },' '  { "workload": "gem" } ] }'
! assay: suite.json:2: unknown workload 'gem'; did you mean 'gemm'?
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "attention",' '    "phase": "decod" } ] }'
! assay: suite.json:3: workload attention needs a phase, one of prefill, decode; got 'decod'; did you mean 'attention.decode'?
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "attention" } ] }'
! assay: suite.json:2: workload attention needs a phase, one of prefill, decode; got ''
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm",' '    "phase": "prefill" } ] }'
! assay: suite.json:3: workload gemm has no phases, got '.prefill'
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [ { "workload": "gemm", "params": { "m": 4 } },' '  { "workload": "attention", "phase": "decode", "params": {' '    "head": 4 } } ] }'
! assay: suite.json:3: unknown option 'head'; did you mean 'heads'?
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [ { "workload": "gemm", "params": { "m": 4 } },' '  { "workload": "gemm", "params": {' '    "m": -4 } } ] }'
! assay: suite.json:3: m must be an integer from 1 to 1073741824, got '-4'
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [ { "workload": "gemm", "params": { "m": 4 } },' '  { "workload": "gemm", "params": {' '    "m": null } } ] }'
! assay: suite.json:3: a parameter is a text, a number or a truth value
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm", "params": { "dtype": "f33" } } ] }'
! assay: suite.json:2: dtype must be one of f64, f32, bf16, f16, f8e4m3, f8e5m2, f8e8m0, f6e2m3, f6e3m2, f4e2m1, i64, i32, i8, u8, i4, u4, bool; got 'f33'; did you mean 'f32'?
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm", "params": { "k=4,m": 4 } } ] }'
! assay: suite.json:2: unknown option 'k=4,m'; known: m, n, k, transpose_a, transpose_b, dtype
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm/m=4" } ] }'
! assay: suite.json:2: unknown workload 'gemm/m=4'; assay list workloads lists them
? 2

# matrices
$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm", "matrix": { "m": 4 } } ] }'
! assay: suite.json:2: 'm' needs an array of at least one value
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm", "matrix": { "m": [] } } ] }'
! assay: suite.json:2: 'm' needs an array of at least one value
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm", "matrix": { "m,n": [[4]] } } ] }'
! assay: suite.json:2: a row of 'm,n' is not an array with a value for each key
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm", "matrix": { "m,n": [[4,5,6]] } } ] }'
! assay: suite.json:2: a row of 'm,n' has 3 values for 2 keys
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm", "matrix": { "m,": [[4,5]] } } ] }'
! assay: suite.json:2: unknown option ''; known: m, n, k, transpose_a, transpose_b, dtype
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm", "matrix": { "m,q": [[4,5]] } } ] }'
! assay: suite.json:2: unknown option 'q'; known: m, n, k, transpose_a, transpose_b, dtype
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [' '  { "workload": "gemm", "params": { "m": 4 },' '    "matrix": { "m": [4, 5] } } ] }'
! assay: suite.json:2: workload gemm: option 'm' is given twice
? 2

$ plan-text '{ "format": "assay-suite/1", "name": "x", "cases": [ { "workload": "gemm", "params": { "m": 4 } },' '  { "workload": "gemm", "matrix": { "m": [3, 4] } } ] }'
! assay: suite.json:2: case gemm/m=4 stands there twice
? 2

# what is no text at all
$ printf '{ "format": "assay-suite/1", "name": "\377", "cases": [] }' >suite.json; assay plan suite.json
! assay: suite.json:1:38: unable to decode byte 0xff near '"'
? 2

$ printf '{ "format": "assay-suite/1",\n "name": "a\0b", "cases": [] }' >suite.json; assay plan suite.json
! assay: suite.json:2:11: control character 0x0 near '"a'
? 2

$ head -c 20000 /dev/zero | tr '\0' '[' >suite.json; assay plan suite.json
! assay: suite.json:1:2049: maximum parsing depth reached near '['
? 2

$ mkdir folder.json; assay plan folder.json
! assay: cannot read 'folder.json': Is a directory
? 2

# a run refuses them in the same words and writes nothing
$ plan-text '{ "format": "assay-suite/1", "name": "x",' '  "caes": [] }' 2>/dev/null; assay run suite.json --backend null; ls -d out
! assay: suite.json:2: unknown key 'caes'; did you mean 'cases'?
! ls: cannot access 'out': No such file or directory
? 2

# a name that would lead elsewhere is no name for a folder
$ plan-text '{ "format": "assay-suite/1", "name": "../../x", "cases": [ { "workload": "gemm", "params": { "m": 4, "n": 4, "k": 4 } } ] }' >/dev/null; assay run suite.json --backend null --launches 1 --min-s 1ms
! assay: the suite's name '../../x' is no name for a folder; say where to write: -o DIR
? 2

$ assay run suite.json --backend null --launches 1 --min-s 1ms -o here --quiet
here
