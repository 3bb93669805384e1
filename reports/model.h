/* Where the time of a case goes: the nodes of its graph, built anew from the case's name, with what the trace of the row's
 * typical launch says of them. For cases of several nodes; a case that is one op has nothing to divide. */
#ifndef ASSAY_REPORTS_MODEL_H
#define ASSAY_REPORTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/ir/graph.h"
#include "harness/judge/summary.h"
#include "harness/store/trace.h"
#include "reports/plot.h"

#define ASSAY_MODEL_LEAST_NODES 9
#define ASSAY_MODEL_BARS 40 /* nodes shown one by one, the longest first; the others as one sum */

struct assay_model_node {
    const char       *name, *op, *note; /* borrowed from graph and trace */
    bool              has_ns;           /* the back end told of it */
    double            ns;               /* traced */
    struct assay_cost cost;
    size_t            rank; /* of its op in `ops` */
};

/* All nodes of one op. Rates are of those that have a time. */
struct assay_model_op {
    const char *op;
    size_t      n, timed;
    double      ns, flops, bytes; /* of the timed ones; bytes: every operand and result of a node once */
    double      all_flops, all_bytes;
};

struct assay_report_model {
    const struct assay_summary_row *row; /* borrowed */
    struct assay_graph             *graph;
    struct assay_trace              trace;
    struct assay_model_node        *nodes; /* in the order of the graph; n is 0 where there is no model to show */
    size_t                          n;
    const struct assay_model_node **by_time; /* those with a time, the longest first */
    size_t                          n_timed;
    struct assay_model_op          *ops; /* the longest first, then the most work */
    size_t                          n_ops;
    double                          sum_ns;  /* of the nodes' times */
    char                            why_not[256]; /* there are no times */
    size_t                          plot;    /* roofline of the nodes, or ASSAY_PLOT_NONE */
};

/* false: out of memory. Release it, also after failure. n = 0: fewer than ASSAY_MODEL_LEAST_NODES, or a case that this program
 * cannot build. */
bool assay_report_model_init(struct assay_report_model *out, const struct assay_summary *summary, const struct assay_summary_row *row);
void assay_report_model_release(struct assay_report_model *model);

/* What tracing adds: the traced sum over the launch's own untraced median, minus 1. NaN without both. */
double assay_report_model_cost(const struct assay_report_model *model);
/* Share of the sum; 0 without one. */
double assay_report_model_share(const struct assay_report_model *model, double ns);
/* Amount over time, a second; 0 without a time. */
double assay_report_model_rate(double amount, double ns);
/* Of what was measured beside the typical launch: flop/s of the peak, B/s of the triad; 0 = not measured. */
double assay_report_model_peak(const struct assay_report_model *model);
double assay_report_model_triad(const struct assay_report_model *model);

/* model_roofline.c: its nodes below the measured roofs, coloured by op, sized by share of the time. */
void assay_model_roofline_begin(struct assay_report_model *model, struct assay_plots *plots);
/* Nodes that have a place there. */
size_t assay_model_roofline_placed(const struct assay_report_model *model);

#endif
