/* The worker process: loads a plug-in, does one job, says what it gave, ends. `assay worker` is started by the
 * launcher, never by a user. */
#ifndef ASSAY_RUN_WORKER_H
#define ASSAY_RUN_WORKER_H

/* Reads one job from standard input, speaks on standard output (whose descriptor it moves away, so that what a plug-in
 * prints goes to standard error). Returns the process's exit status. */
int assay_worker_main(void);

#endif
