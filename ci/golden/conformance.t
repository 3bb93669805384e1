$ assay conformance template --timeout-s 60s --quiet | sed -nE 's/^(holds|FAILS) +(.*[^ ])  .*/\1 \2/p' | grep -v / | head -20
holds it loads, agrees on the ABI, and finds a device
holds the device says what it is and how that is known
holds upload and download keep every byte
holds two programs live side by side
holds every execution completes once, with a span that fits
holds every execution completes once, with a span that fits

$ assay conformance null --timeout-s 60s | tail -1
5 passed, 0 failed, 31 not checked

$ assay conformance chaos,mode=crash -o wrong --quiet | tail -1
1 passed, 3 failed, 1 not checked
! its run is in wrong
? 1

$ ls wrong | tr '\n' ' '
lock log.txt manifest.json plan.json records.jsonl samples trace witness

$ assay conformance no-such-backend
! assay: there is no back end 'no-such-backend'; there are: chaos, cluster, cpu, emulate, model, null, reference, template (while opening 'no-such-backend')
? 2

$ assay conformance tmplate
! assay: there is no back end 'tmplate'; did you mean 'template'? (while opening 'tmplate')
? 2

$ assay conformance ./no-such-plugin.so
! assay: there is no plug-in './no-such-plugin.so' (while opening './no-such-plugin.so')
? 2

$ echo nonsense >plugin.so && assay conformance ./plugin.so
FAILS  it loads, agrees on the ABI, and finds a device
0 passed, 1 failed, 0 not checked
! assay: cannot load plug-in: ./plugin.so: file too short (while opening './plugin.so')
? 1

$ assay conformance
! assay: conformance needs one plug-in: assay conformance build/backends/assay-template.so
? 2

$ assay conformance null cpu
! assay: conformance needs one plug-in: assay conformance build/backends/assay-template.so
? 2

$ assay conformance null,queus=1
! assay: back end null: unknown option 'queus'; did you mean 'queues'? (while opening 'null,queus=1')
? 2

$ assay conformance null --timeout-s 0
! assay: timeout-s must be a time from 500ms to 3600s, got '0' (while reading option '--timeout-s')
? 2

$ assay conformance null -o wrong
! assay: 'wrong' holds a run already; choose another folder, or go on with --resume
? 2
