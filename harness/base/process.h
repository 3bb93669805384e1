/* Child processes: started with pipes, watched with a deadline, ended with their children. */
#ifndef ASSAY_BASE_PROCESS_H
#define ASSAY_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "assay/error.h"

struct assay_process {
    pid_t pid;    /* 0: none. Leader of its own process group; dies with its parent (PR_SET_PDEATHSIG) */
    int   to;     /* its standard input, -1 when closed */
    int   from;   /* its standard output */
    int   errors; /* its standard error */
};

/* Starts argv[0] (a path) with pipes on its three standard streams; other descriptors are closed. */
enum assay_code assay_process_start(char *const argv[], struct assay_process *out, struct assay_error *err);

/* How it ended. `text`: "exit 3", "killed by SIGSEGV (Segmentation fault)". */
struct assay_process_end {
    bool exited;
    int  status; /* exit status, or the signal's number */
    char text[64];
};
/* Waits up to timeout_ns (0 = just looks). false: still running. Closes the pipes once it has ended. */
bool assay_process_wait(struct assay_process *p, uint64_t timeout_ns, struct assay_process_end *end);
/* SIGKILL to the whole group, then reaps. */
void assay_process_kill(struct assay_process *p, struct assay_process_end *end);

/* "SIGSEGV" for 11; "signal 99" for what has no name. */
void assay_signal_name(int number, char out[32]);
/* The running program's own path. */
enum assay_code assay_program_path(char *out, size_t capacity, struct assay_error *err);
/* Runs argv[0] found in PATH, feeds `input` (may be NULL), collects at most `capacity`-1 bytes of its output
 * (cut beyond), bounded by timeout_ns. The exit status in *status. */
enum assay_code assay_process_capture(char *const argv[], const char *input, uint64_t timeout_ns, char *out,
                                      size_t capacity, int *status, struct assay_error *err);

#endif
