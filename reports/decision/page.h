/* The decision's page in the making: what all of its pieces say and draw with, and the pieces, a file each. */
#ifndef ASSAY_REPORTS_DECISION_PAGE_H
#define ASSAY_REPORTS_DECISION_PAGE_H

#include "reports/decision/decision.h"
#include "reports/sink.h"

struct assay_decision_page {
    struct assay_sink                 to;
    enum assay_language               language;
    const struct assay_qualification *q;
    const struct assay_claims        *claims; /* or NULL */
    const struct assay_guarantees    *orders; /* or NULL */
};
/* A message of the catalogue, escaped; with arguments up to NULL. */
void assay_decision_say(struct assay_decision_page *p, enum assay_say what);
void assay_decision_say_with(struct assay_decision_page *p, enum assay_say what, const char *const *arguments);
/* <tag>message</tag>, and of text from outside. */
void assay_decision_heading(struct assay_decision_page *p, const char *tag, enum assay_say what);
void assay_decision_text(struct assay_decision_page *p, const char *tag, const char *text);
/* The same of words of the policy or of a vendor, which stand as they were written: with the language that they are in. */
void assay_decision_verbatim(struct assay_decision_page *p, const char *tag, const char *text);
/* A message of which argument `which` is such words; the others as above. */
void assay_decision_say_quoting(struct assay_decision_page *p, enum assay_say what, const char *const *arguments, size_t which);
void assay_decision_columns(struct assay_decision_page *p, const enum assay_say *columns, size_t n);

/* A positive number rounded to so many digits, with its thousands apart: "10,300". */
void assay_decision_number(struct assay_text *out, double value, int digits);
/* "20,676,114 (16,143,235 – 26,083,770) CNY"; a range alone where it has no middle. */
void assay_decision_money(struct assay_decision_page *p, const struct assay_range *r, bool has_middle);

/* Says why it is not known what the promise takes of it. */
void assay_decision_lack(struct assay_decision_page *p, const struct assay_candidate *c);
/* The title of the column of throughputs. */
enum assay_say assay_decision_promise_column(const struct assay_policy *policy);

/* Who says what a device of the offer draws. */
void assay_decision_power_source(struct assay_decision_page *p, const struct assay_offer *offer);

/* <li>: the prices at which the two cost the same; their needs and power must be known. */
void assay_decision_parity(struct assay_decision_page *p, const struct assay_candidate *a, const struct assay_candidate *b);

void assay_decision_first(struct assay_decision_page *p);
/* Two sections of page one: reasons, and doubts. */
void assay_decision_points(struct assay_decision_page *p);
void assay_decision_rules(struct assay_decision_page *p);
void assay_decision_costs(struct assay_decision_page *p);
/* Two sections: over many devices, and power. */
void assay_decision_scaling(struct assay_decision_page *p);
/* <h3>: division and list of a candidate. */
void assay_decision_list_title(struct assay_decision_page *p, const struct assay_candidate *c);
/* Time and accuracy of every case; then where inputs are from, launches that do not count, machines. */
void assay_decision_results(struct assay_decision_page *p);
void assay_decision_evidence(struct assay_decision_page *p);
void assay_decision_orders(struct assay_decision_page *p);
void assay_decision_claims(struct assay_decision_page *p);

#endif
