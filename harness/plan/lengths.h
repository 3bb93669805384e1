/* How long prompts and answers are: a distribution, written as one word.
 *   512                      always
 *   uniform-128-1024         each from the first to the second equally often
 *   lognormal-400-0.8-2048   median, standard deviation of the logarithm, longest: what is beyond is cut to it */
#ifndef ASSAY_PLAN_LENGTHS_H
#define ASSAY_PLAN_LENGTHS_H

#include <stdint.h>

#include "assay/error.h"

enum assay_lengths_kind { ASSAY_LENGTHS_FIXED = 1, ASSAY_LENGTHS_UNIFORM, ASSAY_LENGTHS_LOGNORMAL };
struct assay_lengths {
    enum assay_lengths_kind kind;
    uint32_t                low, high; /* nothing shorter, nothing longer; at least 1 */
    double                  median, deviation; /* lognormal */
};

/* `what` names the owner in messages: "prompt". */
enum assay_code assay_lengths_parse(const char *text, const char *what, struct assay_lengths *out, struct assay_error *err);
/* The k-th length of stream `key`: the same on every machine. */
uint32_t        assay_lengths_draw(const struct assay_lengths *l, uint64_t key, uint64_t k);

#endif
