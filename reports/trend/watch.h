/* A watch list (harness/judge/history) for people and programs: Markdown, JUnit, OpenMetrics, and a page. */
#ifndef ASSAY_REPORTS_TREND_WATCH_H
#define ASSAY_REPORTS_TREND_WATCH_H

#include "harness/judge/history/watch.h"
#include "reports/sink.h"

enum assay_watch_format { ASSAY_WATCH_MARKDOWN, ASSAY_WATCH_JUNIT, ASSAY_WATCH_OPENMETRICS, ASSAY_WATCH_HTML };

struct assay_watch_report {
    const struct assay_watch *watch;
    const struct assay_history_alarm *alarms; /* all of the history, the open ones first */
    size_t n_alarms, n_open;
    const char *db; /* the file, for the commands that are shown */
};

/* Writes the file as a whole: the old one or the new. */
enum assay_code assay_watch_write(const struct assay_watch_report *report, enum assay_watch_format format, const char *path,
                                  struct assay_error *err);

/* What a series is good for, in a few words: "finds 2.1 %", "too noisy: finds 6.3 %", "learning: 4 of 10 nights", "no proved
 * time". */
void assay_watch_worth(const struct assay_watch_series *series, char out[96]);
/* One sentence: how many are watched, gate, are too noisy. */
void assay_watch_sum(const struct assay_watch *watch, struct assay_text *out);

void assay_watch_page(struct assay_sink *to, const struct assay_watch_report *report);

#endif
