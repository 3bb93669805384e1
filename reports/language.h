/* The message catalogue (languages/): what reports say, in each language. */
#ifndef ASSAY_REPORTS_LANGUAGE_H
#define ASSAY_REPORTS_LANGUAGE_H

#include <stdbool.h>

#include "assay/text.h"
#include "harness/judge/claims.h"
#include "harness/judge/qualify.h"

enum assay_language { ASSAY_ENGLISH = 0, ASSAY_CHINESE = 1, ASSAY_LANGUAGES = 2 };
const char *assay_language_name(enum assay_language language); /* "en", "zh" */
bool        assay_language_find(const char *name, enum assay_language *out);
/* What language a text is in that stands as somebody else wrote it, as HTML's lang has it: "zh" where it has a Chinese character, else "en". */
const char *assay_language_of(const char *text);

enum assay_say {
#define ASSAY_SAY(id, en, zh) ASSAY_SAY_##id,
#include "reports/languages/messages.def"
#include "reports/languages/tables.def"
#undef ASSAY_SAY
    ASSAY_SAY_COUNT
};
/* The text as it stands in the catalogue. */
const char *assay_say(enum assay_language language, enum assay_say what);
/* With {0}, {1}, … replaced by arguments; the list ends with NULL. */
void assay_say_with(struct assay_text *out, enum assay_language language, enum assay_say what, const char *const *arguments);

/* The same with a text that is at hand. */
void assay_say_fill(struct assay_text *out, const char *text, const char *const *arguments);

/* Texts that are at hand in English (phrases.c): what a page says (page.def), and reasons as a record has them (reasons.def).
 * assay_say_phrase writes nothing and returns false where neither has it; what fills its holes is said likewise, or stays as it is. */
bool        assay_say_phrase(struct assay_text *out, enum assay_language language, const char *english);
/* A reason in the language, or quoted as it was recorded. */
void        assay_say_told(struct assay_text *out, enum assay_language language, const char *reason);
size_t      assay_told_count(void);
const char *assay_told(enum assay_language language, size_t i); /* row i of both */

/* Words for what the judge found. */
enum assay_say assay_say_list(enum assay_list list);
const char *assay_say_decision(enum assay_language language, enum assay_decision decision);
const char *assay_say_evidence(enum assay_language language, enum assay_evidence evidence);
const char *assay_say_status(enum assay_language language, enum assay_status status);
const char *assay_say_outcome(enum assay_language language, enum assay_outcome outcome);
const char *assay_say_assurance(enum assay_language language, enum assay_assurance a);
/* "modelled, evidence grade C" */
void        assay_say_grade(struct assay_text *out, enum assay_language language, enum assay_evidence evidence, const char *grade);
const char *assay_say_claim(enum assay_language language, enum assay_claim_verdict verdict);
/* The weakest confidence of any mandatory rule, in percent: of its holding, and of its failing as one of K. */
void        assay_say_confidence(const struct assay_policy *policy, char one[16], char together[16]);
void        assay_say_candidate_evidence(struct assay_text *out, enum assay_language language, const struct assay_candidate *c);
/* Where the throughput of its offer is from: of its own runs, the curve or the training's step; else of the buyer. */
void        assay_say_promise_basis(struct assay_text *out, enum assay_language language, const struct assay_policy *policy,
                                    const struct assay_candidate *c);
/* The fixed sentence on a candidate. */
void assay_say_candidate(struct assay_text *out, enum assay_language language, const struct assay_policy *policy,
                         const struct assay_candidate *c);
/* "at least 300 TB/s": what a rule asks. */
void assay_say_required(struct assay_text *out, enum assay_language language, const struct assay_rule *rule);
/* A figure with its interval and the kind of the interval; a figure without a point has a range alone. */
void assay_say_figure(struct assay_text *out, enum assay_language language, const struct assay_rule_result *r);
void assay_say_why(struct assay_text *out, enum assay_language language, const struct assay_rule_result *r);
void assay_say_settle(struct assay_text *out, enum assay_language language, const struct assay_rule_result *r);

#endif
