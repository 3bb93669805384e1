/* A policy: what a buyer asks of a device, clause by clause, and what he pays for it. Read from JSON (reports/policies, README.md
 * there is the manual); reading is strict. A policy asks; it never says of a device how fast it is. */
#ifndef ASSAY_JUDGE_POLICY_H
#define ASSAY_JUDGE_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"
#include "harness/judge/expression.h"
#include "harness/plan/plan.h"
#include "harness/verify/check.h"

enum assay_rule_kind { ASSAY_RULE_MANDATORY = 1, ASSAY_RULE_SCORED = 2, ASSAY_RULE_INFORMATIVE = 3 };
const char *assay_rule_kind_name(enum assay_rule_kind kind);

/* What a rule looks at. The first is a quantified test, the others are passed or not. */
enum assay_rule_test {
    ASSAY_RULE_FIGURE = 1,    /* expression against threshold */
    ASSAY_RULE_OUTPUTS = 2,   /* the case's outputs, or those of all that ran, passed with the least assurance */
    ASSAY_RULE_STABILITY = 3, /* no launch of the candidate crashed, hung or lost its device */
    ASSAY_RULE_ORIGIN = 4,    /* the policy's rule of origin */
    ASSAY_RULE_WORDS = 5,     /* names nothing that a case measures: kept, so that it is not forgotten, and never decided */
};

enum assay_division { ASSAY_DIVISION_CLOSED = 1, ASSAY_DIVISION_OPEN = 2 };
const char *assay_division_name(enum assay_division division);

struct assay_rule {
    const char          *id, *document, *number, *text; /* the clause, verbatim */
    enum assay_rule_kind kind;
    enum assay_rule_test test;
    bool                 every_case;                       /* "*" */
    char                 case_name[ASSAY_CASE_NAME_BYTES]; /* canonical; "" without one */
    char                 case_id[17];
    struct assay_expression expression;
    enum assay_division  division;
    bool                 takes_published; /* least evidence; else measured. Nothing weaker exists: the reader refuses it */
    enum assay_assurance assurance;       /* the least */
    double               threshold;       /* in the expression's own units */
    double               stated;          /* as the policy has it, in `unit` */
    const char          *unit;
    double               guard_band;
    double               alpha;  /* of each one-sided bound */
    double               weight; /* points, of scored rules */
    size_t               least_launches;
};

/* A number that is known, or assumed to lie in a range. */
struct assay_range {
    double low, middle, high;
};

enum assay_origin_rule {
    ASSAY_ORIGIN_ANY = 1,
    ASSAY_ORIGIN_DOMESTIC_IF_STATE_FUNDED = 2,
    ASSAY_ORIGIN_REPLACE_UNDER_30 = 3, /* state-funded projects that are less than 30 % complete */
};

/* What the buyer knows of a device that no run tells: origin, price, power. Never throughput of its own kind: at_promise_per_s is
 * what he read off a latency-throughput curve, with where he has it from. A candidate's terms are a copy, in which what its own runs
 * and its device's description tell stands where the buyer says nothing (qualify.h). */
struct assay_offer {
    const char         *device, *name, *origin; /* origin: ISO 3166, two letters; "" unknown */
    enum assay_division division;
    bool                available;
    struct assay_range  price, power_watts, at_promise_per_s; /* all 0: not given */
    const char         *at_promise_source, *differences;
    const char         *price_source;   /* who says so and when, and what of it is assumed; "": the buyer's own */
    const char         *price_question; /* without a price: what its vendor is to be asked; "": nothing */
    enum assay_evidence promise_evidence, power_evidence; /* of terms; 0: the buyer's own, which is assumed */
    bool                promise_has_no_middle, power_has_no_middle; /* of terms: a range, and nothing within it is likelier */
    double              system_devices; /* of terms: a device's share of a system of so many is offered, hosts and network with it; 0: a device */
    bool                power_has_facility; /* of terms: power_watts as it is drawn from the grid */
    bool                open_interfaces, second_source, has_interfaces, has_second; /* facts of a checklist, not a score */
};

struct assay_demand {
    double per_s_by_hour[24], growth_per_year, spares_share; /* of a day, in `unit` a second */
    const char *unit;
    bool   given;
    double training_items, training_days; /* of one run, and within how many it is to end; 0: what is asked for is served */
    char   family[ASSAY_CASE_NAME_BYTES]; /* of the served case whose curve tells the throughput, or of the training (promise.h); "": none */
    char   case_name[ASSAY_CASE_NAME_BYTES];
    double ttft_p50_s, ttft_p99_s, tpot_p50_s, tpot_p99_s; /* 0: not asked */
    double input_p50, input_p99, output_p50, output_p99;   /* lengths, tokens */
};

struct assay_costs {
    bool               given;
    const char        *currency, *prices_valid_until, *includes;
    bool               tax_included;
    struct assay_range host_price, host_power_watts, network_price, power_price_per_kwh, pue, years, staff_per_year, load_share;
    double             devices_per_host, hosts_per_rack, tax_rate;
    double             training_run_items; /* items of one training run; 0: none */
};

struct assay_policy {
    const char *name, *about, *path, *freeze_date, *valid_until;
    char        sha256[65];
    struct assay_rule *rules;
    size_t      n_rules, n_mandatory;
    double      price_points, all_points; /* of the scored part; all_points 0: nothing is scored */
    struct assay_range price_weight;      /* price_points is its middle */
    enum assay_origin_rule origin_rule;
    bool        state_funded;
    double      complete_share; /* of the project */
    const char *domestic;       /* two letters */
    struct assay_offer *offers;
    size_t      n_offers;
    struct assay_demand demand;
    struct assay_costs  costs;
    void       *owned;
};

/* `name_or_path`: a path when it has a '/' or ends in ".json", else <reports/policies>/NAME.json. ASSAY_CONFIG, ASSAY_DATA: one
 * line that names file, line and key. Free with assay_policy_release, also after failure. */
enum assay_code assay_policy_read(const char *name_or_path, struct assay_policy *out, struct assay_error *err);
void            assay_policy_release(struct assay_policy *policy);
const struct assay_offer *assay_policy_offer(const struct assay_policy *policy, const char *device); /* or NULL */

#endif
