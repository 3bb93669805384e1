/* Pieces of the HTML report. One struct goes through all of them; a file of html_*.c writes each section. */
#ifndef ASSAY_REPORTS_PAGE_PAGE_H
#define ASSAY_REPORTS_PAGE_PAGE_H

#include <jansson.h>

#include "harness/judge/findings.h"
#include "reports/cases.h"
#include "reports/plot.h"
#include "reports/sink.h"

struct assay_page {
    struct assay_sink              to;
    const struct assay_plots      *plots;
    const struct assay_report_run *runs;
    size_t                         n_runs;
    const struct assay_findings   *levels;
    size_t                         n_levels;
};

/* The style sheet, for light, dark, phone and paper. */
extern const char *const assay_page_style[]; /* pieces, up to NULL */

/* <tag …>escaped text</tag>; `tag` is ours and may carry attributes ("td class=\"num\""). */
void assay_page_element(struct assay_page *p, const char *tag, const char *text);
/* <dt>our words</dt><dd>escaped</dd>; nothing for empty text. */
void assay_page_fact(struct assay_page *p, const char *name, const char *text);
/* The same of what a back end recorded: it stays as it is on a page in another language, and says which language it is in. */
void assay_page_recorded(struct assay_page *p, const char *name, const char *text);
/* " lang=… translate=…": the attributes of such a text. */
void assay_page_recorded_attributes(struct assay_page *p, const char *text);
/* A table with a head; a column of numbers begins with '>'. NULL ends the columns. */
void assay_page_table_begin(struct assay_page *p, const char *label, const char *const *columns);
/* The same, of results: rows become cards where the screen is narrow, so that each cell has its label. Ended by the same. */
void assay_page_cards_begin(struct assay_page *p, const char *label, const char *const *columns);
void assay_page_table_end(struct assay_page *p);
/* A case's name, breakable behind '/' and ','. */
void assay_page_case_name(struct assay_page *p, const char *name);
/* The same without the parameters that have their defaults. */
void assay_page_case_brief(struct assay_page *p, const char *name);
/* Evidence and verdict as marks with their words. */
void assay_page_evidence(struct assay_page *p, const struct assay_summary_row *row);
void assay_page_evidence_mark(struct assay_page *p, const struct assay_summary_row *row);
void assay_page_outcome(struct assay_page *p, enum assay_outcome outcome);
/* A figure of the row with its evidence mark, or "–" with the reason. */
void assay_page_figure(struct assay_page *p, const struct assay_summary_row *row, enum assay_metric metric);
/* Any JSON value as a table of facts: objects become definition lists, lists of objects tables,
 * {"value": null, "why": …} the reason. */
void assay_page_json(struct assay_page *p, const json_t *value);
/* A cell with a number of two digits, or a count; its label is for narrow screens. "–" for NaN. */
void assay_page_number(struct assay_page *p, const char *label, double x);
void assay_page_count(struct assay_page *p, const char *label, uint64_t n);
/* The same number of an error over its bound, in the colour of its verdict, deeper the more of the bound it takes. */
void assay_page_ratio(struct assay_page *p, const char *label, enum assay_outcome outcome, double ratio);
/* Its step on that scale: 0 to 3, a quarter of the bound each; of what does not pass, 0. */
int assay_page_heat(enum assay_outcome outcome, double ratio);
/* An op's name, breakable before each capital letter, so that a phone need not break it anywhere. */
void assay_page_op_name(struct assay_page *p, const char *tag, const char *op);
/* The id of a section of a run: "results", or "results-2" for the second run. */
void assay_page_id(struct assay_page *p, const struct assay_report_run *run, const char *name);
/* A plot with what it shows in words (escaped by the caller's sink), or nothing. */
void assay_page_plot(struct assay_page *p, size_t plot, const char *label);
/* The swatch of a back end in plots, and its name: the whole of it with every option, or what tells it from the others. */
void assay_page_series(struct assay_page *p, const struct assay_summary *run, const char *backend, bool whole);

/* The sections, in the order of the page. */
void assay_page_summary(struct assay_page *p, const struct assay_report_run *run);
/* Devices side by side: where there are several and one of them is modelled. */
void assay_page_side(struct assay_page *p, const struct assay_report_run *run);
bool assay_page_has_side(const struct assay_report_run *run);
/* Systems that train a decoder: where the run has such rows. */
void assay_page_clusters(struct assay_page *p, const struct assay_report_run *run);
bool assay_page_has_clusters(const struct assay_report_run *run);
/* In the section of a case that it is about: links of the systems that ran it, tier by tier; nothing where none tells of any. */
void assay_page_links(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c);
/* What the models are worth: where a row is modelled. */
void assay_page_worth(struct assay_page *p, const struct assay_report_run *run);
bool assay_page_has_worth(const struct assay_report_run *run);
/* The inputs that move a modelled time most; nothing where the record has none. */
void assay_page_influences(struct assay_page *p, const struct assay_record *r);
void assay_page_results(struct assay_page *p, const struct assay_report_run *run);
void assay_page_load(struct assay_page *p, const struct assay_report_run *run);
void assay_page_served(struct assay_page *p, const struct assay_report_run *run);
bool assay_page_has_served(const struct assay_report_run *run);
/* In a case's own section; nothing for a case without scenario. */
void assay_page_load_facts(struct assay_page *p, const struct assay_summary_row *row);
void assay_page_roofline(struct assay_page *p, const struct assay_report_run *run);
void assay_page_models(struct assay_page *p, const struct assay_report_run *run);
/* What levels of validation found: the k-th of the report, from 0. */
void assay_page_level_model(struct assay_page *p, size_t k);
void assay_page_level_training(struct assay_page *p, size_t k);
void assay_page_ops(struct assay_page *p, const struct assay_report_run *run);
/* Are there cases of single ops? */
bool assay_page_has_ops(const struct assay_report_run *run);
/* How the bits of executions and launches repeat: where a case has two of either. */
void assay_page_repeats(struct assay_page *p, const struct assay_report_run *run);
bool assay_page_has_repeats(const struct assay_report_run *run);
/* Silent errors and what they come to: where the folder was soaked. */
void assay_page_soak(struct assay_page *p, const struct assay_report_run *run);
bool assay_page_has_soak(const struct assay_report_run *run);
/* brief.c: where a run has very many cases, is this one a row of a table in place of a section? And those tables. */
bool assay_page_is_brief(const struct assay_report_run *run, const struct assay_report_case *c);
void assay_page_brief(struct assay_page *p, const struct assay_report_run *run);
void assay_page_cases(struct assay_page *p, const struct assay_report_run *run);
void assay_page_uncounted(struct assay_page *p, const struct assay_report_run *run);
void assay_page_environment(struct assay_page *p, const struct assay_report_run *run);
void assay_page_definitions(struct assay_page *p);
void assay_page_limits(struct assay_page *p);

/* The whole page. */
void assay_page_write(struct assay_page *p);

#endif
