/* What vendors say, held against what was measured. A claim is normalised: dense (a structured-sparse figure is halved), one
 * direction (a sum of two is halved), SI units (GB against GiB). Formats are never converted. With c the claim, normalised, and
 * [L, U] of x:
 *
 *     of a ceiling (peak)      refuted       L > c: more was seen than could be
 *                              consistent    L <= c and U >= s c, with s the share that a good run of it reaches
 *                              not reached   U < s c
 *     of what is delivered     confirmed     L >= c
 *                              not reached   U < c
 *                              not tested    neither: the interval holds c
 *
 * conditions differ: format or way of counting is another; of a case, its parameter dtype, and bytes are counted as read and written.
 * not tested: nothing that counts was measured: what counts passed with an assurance of sampled or more, in at least two launches, so
 * that there is an interval. A published figure has none: L = U = x. Modelled figures never stand for x. */
#ifndef ASSAY_JUDGE_CLAIMS_H
#define ASSAY_JUDGE_CLAIMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"
#include "harness/judge/expression.h"
#include "harness/judge/summary.h"
#include "harness/plan/plan.h"

enum assay_claim_verdict {
    ASSAY_CLAIM_CONFIRMED = 1,
    ASSAY_CLAIM_CONSISTENT = 2,
    ASSAY_CLAIM_NOT_REACHED = 3,
    ASSAY_CLAIM_REFUTED = 4,
    ASSAY_CLAIM_CONDITIONS_DIFFER = 5,
    ASSAY_CLAIM_NOT_TESTED = 6,
};
const char *assay_claim_verdict_name(enum assay_claim_verdict verdict);

/* A figure with its conditions, of the claim or of what it is compared with. */
struct assay_claim_figure {
    double      stated, si; /* as it stands; normalised, in SI units */
    const char *unit, *source, *date, *format, *counted;
    bool        sparse, both_directions;
};

struct assay_claim {
    const char               *device, *text;      /* verbatim */
    struct assay_claim_figure claimed, published; /* published.source NULL: none */
    bool                      is_peak;
    double                    least_share; /* s */
    struct assay_expression   expression;
    char                      case_id[17]; /* "": compared with what was published */
    char                      case_format[32]; /* of the case: its dtype; "" where it has none */
    /* the outcome */
    enum assay_claim_verdict verdict;
    enum assay_evidence      evidence;                /* of x; 0: none */
    double                   value, low, high, ratio; /* of x, in the claim's unit; x over c */
    const char              *compared_with;
};

struct assay_claims {
    const char         *name, *about, *path;
    struct assay_claim *claims;
    size_t              n;
    void               *owned;
};

/* Reads the file ("format": "assay-claims/1"; a name is one of reports/claims) and judges with runs[n]. A launch counts as it
 * does for a policy. Free with assay_claims_release, also after failure. */
enum assay_code assay_claims_read(const char *name_or_path, const struct assay_summary *runs, size_t n, struct assay_claims *out,
                                  struct assay_error *err);
void            assay_claims_release(struct assay_claims *claims);
/* New reference; NULL when out of memory. */
json_t *assay_claims_to_json(const struct assay_claims *claims);

#endif
