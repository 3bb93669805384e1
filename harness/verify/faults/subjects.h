/* Subjects: ops with operands, of which it is known what an honest device answers and what the judge expects, so that faults can be
 * planted in them at the price of judging alone. */
#ifndef ASSAY_FAULTS_SUBJECTS_H
#define ASSAY_FAULTS_SUBJECTS_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/samples.h"
#include "harness/verify/check.h"
#include "harness/verify/faults/kinds.h"

struct assay_fault_subject { /* NOLINT(clang-analyzer-optin.performance.Padding): rows are read in this order */
    char                name[40];
    struct assay_sample sample;
    enum assay_dtype    dtype, operands; /* of type "f"; made in a narrower format and cast: `operands`, else the same */
    struct assay_fill   fill;            /* of floats; indices and bytes have their own */
    unsigned            traits;
};
extern const struct assay_fault_subject assay_fault_subjects[];
extern const size_t                     assay_fault_subjects_n;
const struct assay_fault_subject       *assay_fault_subject_named(const char *name); /* NULL: none */

/* One draw of the operands, owned. */
struct assay_fault_draw {
    uint64_t                seed;
    double                **in;      /* one a value of the graph: its operands, else NULL */
    double                **out;     /* one an output: as the honest device computed it, before it is stored */
    struct assay_expected  *expected;
};
struct assay_fault_bench {
    const struct assay_fault_subject *subject;
    struct assay_graph               *graph;
    struct assay_paper                honest;
    int32_t                           output[8];
    size_t                            n_outputs;
    struct assay_fault_draw          *draw;
    size_t                            n_draws;
    char                              witness[128]; /* file that is made anew for every trial */
};

/* Draws operands n_draws times by seeds from `seed` on and computes what is right. Free *out with assay_fault_bench_free. */
enum assay_code assay_fault_bench_new(const struct assay_fault_subject *subject, size_t n_draws, uint64_t seed,
                                      struct assay_fault_bench **out, struct assay_error *err);
void            assay_fault_bench_free(struct assay_fault_bench *b);
/* The subject's graph from a sample that may have been edited. */
enum assay_code assay_fault_graph(const struct assay_fault_subject *subject, const struct assay_sample *s,
                                  struct assay_graph **out, struct assay_error *err);

/* What the judge says of one outcome. */
struct assay_fault_told {
    struct assay_check check;
    bool               found;  /* it did not pass, for what the fault is */
    bool               bits_differ; /* two iterations of one input set left different bits */
    bool               by_chance;   /* the fault has a place or numbers that were drawn: the same operands may be spoiled otherwise */
};
/* Plants `kind` (NULL: nothing) at `size` in draw number `draw` by random numbers of `key`, and has the judge look at it. */
enum assay_code assay_fault_try(const struct assay_fault_bench *b, size_t draw, const struct assay_fault_kind *kind, double size,
                                uint64_t key, struct assay_fault_told *out, struct assay_error *err);

#endif
