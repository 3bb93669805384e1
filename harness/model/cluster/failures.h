/* What interruptions and checkpoints leave of a cluster's time. */
#ifndef ASSAY_MODEL_FAILURES_H
#define ASSAY_MODEL_FAILURES_H

struct assay_failures {
    double per_device_year, devices;    /* interruptions of the job */
    double restart_s, checkpoint_s;     /* checkpoint: the time that steps wait for one */
};
struct assay_goodput {
    double share;          /* of the time that goes into steps that are kept */
    double between_s;      /* interruptions */
    double every_s;        /* checkpoints, so that the share is largest; infinite without interruptions */
};
/* Interruptions come as a Poisson process, also during checkpoints and restarts: a segment of w seconds' work and c of saving takes
 * M e^(r / M) (e^((w + c) / M) - 1) on average (Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps",
 * FGCS 2006). NaN in, NaN out. */
struct assay_goodput assay_goodput_of(const struct assay_failures *f);

#endif
