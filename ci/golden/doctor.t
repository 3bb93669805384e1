# What this machine can do. What is there differs from machine to machine; what is looked at does not.
$ assay doctor | sed -E 's|  .*||' | grep -v '^back end'
what
multiply-add peak
triad bandwidth
counter cycles
counter instructions
counter branch_misses
counter l1d_misses
counter llc_references
counter llc_misses
counter flops_f32
counter flops
counter task_clock
counter page_faults
counter context_switches
counter cpu_migrations
counter peak_rss
energy
gnuplot (plots in reports)
fork (ranks)
mpirun (ranks)
srun (ranks)
chromium (reports as pdf)
libxlsxwriter (spreadsheets)

# a no has a reason and a cure, a yes has no cure
$ assay doctor --json | awk '/"cure"/ {cure = !/: "",?$/} /"detail"/ {detail = !/: "",?$/} /"state"/ {n++; bad += /"no"/ ? !(cure && detail) : cure} END {print (n > 15), bad + 0}'
1 0

$ assay doctor --json | grep -E '^  "|^\}|^\{' | sed -E 's/: .*//'
{
  "findings"
  "host"
}

# standard output is the result and nothing else
$ assay doctor 2>&1 >/dev/null

$ assay doctor everything
! assay: doctor takes no operands
? 2

$ assay doctor --jsn
! assay: unknown option '--jsn'; did you mean '--json'?
? 2
