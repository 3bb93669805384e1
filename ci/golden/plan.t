$ assay plan "$ASSAY_SOURCE/ci/golden/data/tiny.json"
{
  "about": "three small cases for tests of the command line",
  "cases": [
    {
      "case": "gemm/dtype=f32,k=10,m=8,n=9,transpose_a=false,transpose_b=false",
      "id": "389e0a68ac4ef87b",
      "repeat": {
        "launches": "1",
        "max_s": "5s",
        "min_runs": "8",
        "min_s": "5ms",
        "timeout_s": "60s"
      }
    },
    {
      "case": "elementwise/dtype=f32,elements=200,op=relu",
      "id": "cda350d72a09feab",
      "repeat": {
        "launches": "1",
        "max_s": "5s",
        "min_runs": "8",
        "min_s": "5ms",
        "timeout_s": "60s"
      }
    },
    {
      "case": "softmax/columns=33,dtype=f32,rows=4",
      "id": "3b19df0783f7a481",
      "repeat": {
        "launches": "1",
        "max_s": "5s",
        "min_runs": "8",
        "min_s": "5ms",
        "timeout_s": "60s"
      }
    }
  ],
  "format": "assay-plan/1",
  "name": "tiny",
  "seed": 1
}

# the same bytes every time, on standard output and in a file
$ assay plan quick >a; assay plan quick >b; assay plan quick -o c; cmp a b && cmp a c && grep -c '"case"' a
25

# every suite that comes along can be planned
$ for suite in $(assay list suites --json | sed -n 's/.*"suite": "\(.*\)".*/\1/p'); do assay plan $suite >/dev/null || echo $suite; done

$ assay plan
! assay: plan needs one suite: assay plan quick
? 2

$ assay plan quick kernels
! assay: plan needs one suite: assay plan quick
? 2

$ assay plan quik
! assay: there is no suite 'quik'; did you mean 'quick'?
? 2

$ assay plan no-such-suite
! assay: there is no suite 'no-such-suite'; assay list suites lists them; one of your own is given as a path that ends in .json
? 2

$ assay plan no-such-file.json
! assay: cannot open 'no-such-file.json': No such file or directory
? 2

$ assay plan quick -o
! assay: option '-o' needs a value
? 2

$ assay plan quick -o ''
! assay: option '-o' must not be empty
? 2

$ assay plan quick -o no-such-folder/plan.json
! assay: cannot create a file beside 'no-such-folder/plan.json': No such file or directory
? 2

$ assay plan quick -o /dev/null
! assay: '/dev/null' is a device or a pipe, not a file
? 2

$ mkdir folder; assay plan quick -o folder
! assay: 'folder' is a folder, not a file
? 2

# a full disk is told, and what was there before stays
$ echo before >file; small-files 1 assay plan quick -o file
! assay: cannot write 7708 bytes to 'file': File too large
? 2

$ cat file; ls
before
a
b
c
file
folder

$ assay plan quick >/dev/full
! assay: cannot write the result to standard output: No space left on device
? 2
