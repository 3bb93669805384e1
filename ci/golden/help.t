$ assay help
assay: qualifies AI accelerators: runs workloads on them, proves the results, reports

usage: assay VERB [operands] [options]       assay VERB --help

  doctor       says what this machine can do: back ends, peak, counters, energy, programs; each no with its reason and cure
  list         lists what there is, each absence with its reason
  show         shows a case: its graph, flops, bytes, memory, and the command that runs it
  plan         prints the cases of a suite; the same bytes every time
  run          runs a suite or cases on back ends, each case in worker processes of its own, and records them
  validate     judges the results of a run from its witnesses, against the reference and its bounds
  audit        runs the cases of a run folder again in a way that shows who cheats, after MLPerf's compliance tests
  compare      is B worse than A, case by case: worse, no worse, or undecided
  report       writes the report of one or more run folders: a page with plots, text, tables, a spreadsheet, paper, or JSON
  export       writes a case's seeded weights, inputs or graph for other programs; or a run as MLPerf's logs, tests or metrics
  conformance  checks that a plug-in keeps its side of the agreement, and that its results are right
  probe        finds out what arithmetic a device really does, or whether it gives the same bits again
  soak         executes cases for hours, compares every output bit with verified ones, and says what rate of silent errors that shows
  schedule     prints which sample is asked for when, as CSV: query, scheduled_ns, sample_index
  predict      prices the rows of a table on devices that need not be here, with how sure it is
  breakeven    what a device's numbers must be for it to equal a rival or keep a limit on a workload, and what its vendor must be asked to guarantee
  calibrate    fits the models' coefficients to measurements of kernels
  spec         checks the numbers of a device's description, or a buyer's numbers for one, against each other; shows them with their sources
  search       the best ways to spread training or serving over a cluster, among those that fit into memory
  history      night after night: what became slower or less exact, since when, and what else changed
  policy       what a policy asks, and what is wrong with it: clauses no case decides, points that do not add up, a threshold one alone can meet
  qualify      does a candidate meet a policy: qualified, not qualified, insufficient evidence; with the page that a board signs
  import       takes over MLPerf™ results that others published, to be cited in a table of their own, apart from every figure of ours
  bundle       packs all that a result rests on into one file that shows every change: run, suite, policy, descriptions, report
  verify       is a bundle what was packed: signature, every file, the chain of records, and the report made again; names what differs

  assay run quick -o out/quick && assay validate out/quick && assay report out/quick -o out/quick/report

exit status: 0 yes, 1 the check said no, 2 usage or configuration, 3 nothing could run, 4 a bug of ours, 5 insufficient evidence

$ assay help run
usage: assay run SUITE|CASE|FILE.onnx… [options]

runs a suite or cases on back ends, each case in worker processes of its own, and records them

Prints the run folder. Timings are recorded with what proves them; whether the results are right is said by
assay validate. A crash, a hang or an error of a back end costs its case. After an interruption, the same
command with --resume goes on with nothing lost and nothing run twice.

options:
  --backend TEXT    name[:device][,option=value…]; without it: cpu (may be repeated)
  -o TEXT           the run folder (default out/<suite>)
  --resume          go on with a run that was interrupted
  --seed N          of inputs and samples (default: the suite's) (from 0 to 9007199254740992)
  --ranks N         refuse cases that are spread over another number of processes; which it is, their mesh says (dp, tp, cp, pp, ep) (from 0 to 32; default 0)
  --launcher NAME   who starts the ranks: this machine, or mpirun or srun, also on other hosts (harness/run/README.md) (one of fork, mpirun, srun; default fork)
  --only TEXT       a file of case names, one a line: only these of the suite, as long and as often as it says
  --power TEXT      an external meter: cmd=COMMAND or file=PATH
  --weights TEXT    a folder of safetensors that params come from, instead of the seed
  --inputs TEXT     a folder with NAME.npy for every input, instead of the seed
  --spec TEXT       a buyer's numbers for a device that is modelled, or a description of one (backends/devices/README.md)
  --quiet           no progress
  --launches N      worker processes for each case, instead of the suite's (from 1 to 1000)
  --min-runs N      timed iterations of a launch, at least (from 1 to 1000000000)
  --min-s TIME      timed time of a launch, at least (from 0s to 86400s)
  --max-s TIME      wall time of the timed phase with its proofs, at most (from 0s to 86400s)
  --timeout-s TIME  a worker that takes longer is ended (from 50ms to 86400s)

# every verb has help, the same in both spellings; its first line says how it is called
$ for verb in $(assay help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do assay help $verb >a && assay $verb --help >b && cmp a b && head -1 a; done
usage: assay doctor [options]
usage: assay list suites|workloads|models|backends|devices|systems|ops|counters|metrics|scenarios [options]
usage: assay show CASE [options]
usage: assay plan SUITE [options]
usage: assay run SUITE|CASE|FILE.onnx… [options]
usage: assay validate DIR | --backend NAME --vectors DIR | --backend NAME --level LEVEL,… [CASE…] [options]
usage: assay audit DIR [options]
usage: assay compare A [B] [options]
usage: assay report DIR… [options]
usage: assay export CASE|DIR [options]
usage: assay conformance PLUGIN.so|NAME[:device][,option=value…] [options]
usage: assay probe numerics | repeat CASE… [options]
usage: assay soak SUITE|CASE|FILE.onnx… [options]
usage: assay schedule [options]
usage: assay predict --cases FILE.csv [options]
usage: assay breakeven --device D --against R|--within TIME --workload CASE [options]
usage: assay calibrate FILE.csv… [options]
usage: assay spec check|show FILE|DEVICE [options]
usage: assay search CASE --backend SYSTEM [options]
usage: assay history add DIR… | check | trend [PART] | name ALARM WHAT [options]
usage: assay policy check POLICY [DIR…]
usage: assay qualify DIR… [options]
usage: assay import mlperf FILE… [options]
usage: assay bundle DIR|key [options]
usage: assay verify FILE [options]

# the man page has every verb and every option, and no line that troff would take for a request of ours
$ assay man | grep -E '^\.S[HS]'
.SH NAME
.SH SYNOPSIS
.SH DESCRIPTION
.SH VERBS
.SS "assay doctor"
.SS "assay list suites|workloads|models|backends|devices|systems|ops|counters|metrics|scenarios"
.SS "assay show CASE"
.SS "assay plan SUITE"
.SS "assay run SUITE|CASE|FILE.onnx…"
.SS "assay validate DIR | --backend NAME --vectors DIR | --backend NAME --level LEVEL,… [CASE…]"
.SS "assay audit DIR"
.SS "assay compare A [B]"
.SS "assay report DIR…"
.SS "assay export CASE|DIR"
.SS "assay conformance PLUGIN.so|NAME[:device][,option=value…]"
.SS "assay probe numerics | repeat CASE…"
.SS "assay soak SUITE|CASE|FILE.onnx…"
.SS "assay schedule"
.SS "assay predict --cases FILE.csv"
.SS "assay breakeven --device D --against R|--within TIME --workload CASE"
.SS "assay calibrate FILE.csv…"
.SS "assay spec check|show FILE|DEVICE"
.SS "assay search CASE --backend SYSTEM"
.SS "assay history add DIR… | check | trend [PART] | name ALARM WHAT"
.SS "assay policy check POLICY [DIR…]"
.SS "assay qualify DIR…"
.SS "assay import mlperf FILE…"
.SS "assay bundle DIR|key"
.SS "assay verify FILE"
.SH EXIT STATUS
.SH ENVIRONMENT

$ for verb in $(assay help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do assay help $verb | sed -nE 's/^  (--?[a-z-]+).*/\1/p' | while read -r option; do assay man | grep -qF -- "$(sed 's/-/\\-/g' <<<"$option")" || echo "$verb: $option"; done; done


$ assay man | grep '^\.' | grep -vE '^\.(TH|SH|SS|TP|PP|B|I)( |$)'
? 1

$ assay version
assay 0.1.0

$ assay --version
assay 0.1.0

$ assay --help | cmp - <(assay help)

$ assay 2>/dev/null
? 2

$ assay doctr
! assay: unknown verb 'doctr'; did you mean 'doctor'?
? 2

$ assay frobnicate
! assay: unknown verb 'frobnicate'; assay help lists them
? 2

$ assay help doctr
! assay: unknown verb 'doctr'; did you mean 'doctor'?
? 2

$ assay help run plan
! assay: help needs one verb at most: assay help run
? 2

$ assay man run
! assay: man takes no operands, got 'run'
? 2

$ assay version 2
! assay: version takes no operands, got '2'
? 2

$ assay "$(printf '\033]0;title\007')"
! assay: unknown verb '\x1b]0;title\x07'; assay help lists them
? 2

$ assay man >/dev/full
! assay: cannot write the result to standard output: No space left on device
? 2

$ assay help >/dev/full
! assay: cannot write the result to standard output: No space left on device
? 2
