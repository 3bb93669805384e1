# third-party vectors: whole set on the reference and on cpu; a case that is lost shows in the counts
$ assay validate --backend reference --vectors /usr/share/libonnx-testdata/data --quiet | tail -1
924 passed, 0 failed, 148 not run

$ assay validate --backend cpu --vectors /usr/share/libonnx-testdata/data --quiet >all; tail -1 all
911 passed, 0 failed, 161 not run

# of the 932 node cases, and of the 117 that were converted
$ for b in reference cpu; do for d in node pytorch-converted pytorch-operator; do echo $b $d $(assay validate --backend $b --vectors /usr/share/libonnx-testdata/data/$d | tail -1); done; done
reference node 800 passed, 0 failed, 132 not run
reference pytorch-converted 82 passed, 0 failed, 0 not run
reference pytorch-operator 35 passed, 0 failed, 0 not run
cpu node 787 passed, 0 failed, 145 not run
cpu pytorch-converted 82 passed, 0 failed, 0 not run
cpu pytorch-operator 35 passed, 0 failed, 0 not run

# a line an op and reason
$ grep -E '^(op|ArgMin|Det|Pow) ' all | sed 's/   */  /g'
op  result  cases  first  why
ArgMin  passed  16  node/test_argmin_default_axis_example
Det  not run  2  node/test_det_2d  op Det is not read
Pow  passed  13  node/test_pow
Pow  not run  2  node/test_pow_types_float32_uint32  tensor 'y' has element type 12, which is not read

# a wrong element fails, is named, and the exit status says so
$ cp -r /usr/share/libonnx-testdata/data/node/test_relu /usr/share/libonnx-testdata/data/node/test_det_2d . && printf '\101' | dd of=test_relu/test_data_set_0/output_0.pb bs=1 seek=40 conv=notrunc status=none; assay validate --backend cpu --vectors . | sed 's/   */  /g'
op  result  cases  first  why
Det  not run  1  test_det_2d  op Det is not read
Relu  failed  1  test_relu  'y'[6] is 0.950088441, the vector has 0.754775941, the reference 0.950088441 within 0
0 passed, 1 failed, 1 not run
? 1

$ assay validate --backend cpu --vectors . --json
{
  "cases": [
    {
      "case": "test_det_2d",
      "op": "Det",
      "result": "not run",
      "why": "model.onnx: byte 20: op Det is not read"
    },
    {
      "case": "test_relu",
      "op": "Relu",
      "result": "failed",
      "why": "'y'[6] is 0.950088441, the vector has 0.754775941, the reference 0.950088441 within 0"
    }
  ],
  "failed": 1,
  "not_run": 1,
  "passed": 0
}
? 1

# whatever a back end does costs its cases
$ assay validate --backend chaos,mode=crash --vectors test_relu | sed 's/   */  /g'
op  result  cases  first  why
–  failed  1  .  worker killed by SIGSEGV (Segmentation fault) in phase start
0 passed, 1 failed, 0 not run
? 1

$ assay validate --backend chaos,mode=hang --vectors test_relu --timeout-s 1s | tail -1
0 passed, 1 failed, 0 not run
? 1

# to run nothing is insufficient evidence
$ assay validate --backend null --vectors test_relu | sed 's/   */  /g'
op  result  cases  first  why
Relu  not run  1  .  the device computes no values
0 passed, 0 failed, 1 not run
? 5

$ mkdir empty && assay validate --backend cpu --vectors empty
! assay: no vectors in 'empty': no folder has a model.onnx and a test_data_set_0
? 2

$ assay validate --backend cpu --vectors nowhere
! assay: cannot read folder 'nowhere': No such file or directory
? 2

$ assay validate --backend no-such --vectors test_relu
! assay: there is no back end 'no-such'; there are: chaos, cluster, cpu, emulate, model, null, reference, template (while opening 'no-such')
? 2

$ assay validate --backend cpu
! assay: --backend goes with --level or --vectors: assay validate --backend cpu --level ops; what a run folder holds is validated without it
? 2

$ assay validate --vectors test_relu
! assay: vectors need both: assay validate --backend cpu --vectors /usr/share/libonnx-testdata/data
? 2

$ printf 'x' >test_det_2d/model.onnx; assay validate --backend cpu --vectors test_det_2d | sed 's/   */  /g'
op  result  cases  first  why
–  not run  1  .  a number goes on beyond the end of its message
0 passed, 0 failed, 1 not run
? 5
