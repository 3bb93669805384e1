/* A figure that a policy asks for: metrics of a record multiplied and divided, "energy_joules / latency_ns". Units and direction
 * follow from the rows of metrics.def and from nowhere else. */
#ifndef ASSAY_JUDGE_EXPRESSION_H
#define ASSAY_JUDGE_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"
#include "harness/judge/summary.h"
#include "harness/store/record.h"

#define ASSAY_EXPRESSION_FACTORS 4

/* Exponents of second, joule, byte and operation. */
struct assay_dimension {
    int second, joule, byte, flop;
};

struct assay_expression {
    char                   text[160];
    enum assay_metric      metric[ASSAY_EXPRESSION_FACTORS];
    int                    power[ASSAY_EXPRESSION_FACTORS]; /* 1 or -1 */
    size_t                 n;
    struct assay_dimension dimension;
    double                 scale;  /* the value in SI units is the product of the metrics times this */
    enum assay_better      better; /* lower or higher */
};

/* ASSAY_CONFIG: not such a product, an unknown metric (with the nearest), or one of which neither more nor less is better. */
enum assay_code assay_expression_parse(const char *text, struct assay_expression *out, struct assay_error *err);
/* The number of SI units in one `unit` ("ms", "Tflop/s", "GB/s", "W"), which must be of the expression's kind. ASSAY_CONFIG:
 * unknown, or another kind: the policy mixes units. */
enum assay_code assay_expression_unit(const struct assay_expression *e, const char *unit, double *si, struct assay_error *err);
/* Of one launch, in SI units. false: a metric has no value; *lacks says which. */
bool assay_expression_value(const struct assay_expression *e, const struct assay_record *record, double *out,
                            enum assay_metric *lacks);
/* The range of a row's estimates, for what is modelled: the widest that the factors' ranges allow; no point where one has none. */
struct assay_estimate assay_expression_range(const struct assay_expression *e, const struct assay_summary_row *row);

#endif
