/* What a number of a device must be for it to equal a rival on a graph. Both are drawn, each by itself, so that an
 * answer is the value at which the device is at least as good with a chance of one half, and of nine tenths. README.md,
 * "Break-even". */
#ifndef ASSAY_MODEL_BREAKEVEN_H
#define ASSAY_MODEL_BREAKEVEN_H

#include "harness/model/certainty.h"
#include "harness/model/priced.h"

#define ASSAY_CONTEST_DRAWS 200

/* One of the two on the graph. */
struct assay_contestant {
    const struct assay_described *device; /* NULL: no device, a limit */
    double p10_ns, p50_ns, p90_ns;        /* of the draws; p50 is no figure of a device without a point */
    struct assay_certain certain;
};
struct assay_contest;
/* Borrows all until it is freed. rival NULL: what is to be equalled is a limit on the time, limit_ns. ASSAY_UNSUPPORTED: one of them
 * lacks what a node needs; the message has device and field. */
enum assay_code assay_contest_new(const struct assay_graph *g, const struct assay_described *device,
                                  const struct assay_described *rival, double limit_ns,
                                  const struct assay_fitted *fitted, struct assay_contest **out,
                                  struct assay_error *err);
void assay_contest_free(struct assay_contest *c);
const struct assay_contestant *assay_contest_device(const struct assay_contest *c);
const struct assay_contestant *assay_contest_rival(const struct assay_contest *c);
/* The chance that the device is at least as fast, as both are described. */
double assay_contest_chance(const struct assay_contest *c);
/* What the graph holds at a time: weights, states and the largest set of results. */
uint64_t assay_contest_bytes(const struct assay_contest *c);

enum assay_need_kind { ASSAY_NEED_TIME, ASSAY_NEED_ENERGY, ASSAY_NEED_COST, ASSAY_NEED_ROOM };
enum assay_need_is {
    ASSAY_NEED_VALUE = 1,
    ASSAY_NEED_ANY,   /* at any value: it is there already, by the others */
    ASSAY_NEED_NEVER, /* at no value: others limit */
};
struct assay_need {
    enum assay_device_field field;
    enum assay_need_kind kind;
    bool moves;    /* the time, the energy or the cost at all */
    bool at_most;  /* less is better */
    bool is_ratio; /* of the rival's own, which is not known */
    enum assay_need_is even_is, sure_is;
    double even, sure; /* at a chance of 50 and 90 % */
    const char *limit; /* what takes most of the time where the number is as good as can be asked for */
    char why_not[96];  /* nothing can be said; else "" */
};
#define ASSAY_NEED_REACH 32.0 /* how far beyond what is described a number is looked for, either way */
void assay_contest_need(struct assay_contest *c, enum assay_device_field field, struct assay_need *out);

/* The peak that the time moves with most; ASSAY_DEVICE_FIELDS: none. */
enum assay_device_field assay_contest_peak(struct assay_contest *c);
/* One point of the curve on which peak and bandwidth trade off: with that bandwidth, the peak that is needed; infinite:
 * none does. */
void assay_contest_trade(struct assay_contest *c, enum assay_device_field peak, double bandwidth, double *even,
                         double *sure);

#endif
