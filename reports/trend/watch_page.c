/* The trend page: one file, no script, nothing loaded from anywhere. Series with an open alarm and sentinels are drawn. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/page/page.h"
#include "reports/trend/watch.h"

#include "assay/banned.h"

#define MOST_PLOTS 40u
#define MOST_NIGHTS 180u /* drawn, the last ones */

struct trend_page {
    struct assay_page page; /* to borrow its pieces */
    const struct assay_watch_report *report;
    struct assay_plots *plots;
    size_t plot[MOST_PLOTS], series[MOST_PLOTS], n;
};

static bool has_alarm(const struct assay_watch_report *r, const struct assay_watch_series *s)
{
    char scope[1024];
    assay_watch_scope(s->of, scope);
    for (size_t i = 0; i < r->n_open; i++)
        if (!strcmp(r->alarms[i].scope, scope))
            return true;
    return false;
}

/* A date is as wide as a seventh of the plot: more of them write over each other. */
static long long days_between_ticks(long long days)
{
    return days / 5 + 1;
}

/* Numbers only: names stand in the page. */
static void draw(struct trend_page *p, size_t series)
{
    const struct assay_watch_series *s = &p->report->watch->series[series];
    size_t from = s->n > MOST_NIGHTS ? s->n - MOST_NIGHTS : 0;
    FILE *script;
    double base = NAN;
    for (size_t i = s->n; i-- > from && isnan(base);)
        base = s->level[i];
    if (p->n == MOST_PLOTS || s->n < 2 || isnan(base))
        return;
    size_t plot = assay_plots_begin(p->plots, 760, 220, &script);
    if (plot == ASSAY_PLOT_NONE)
        return;
    fputs("$p << EOD\n", script);
    for (size_t i = from; i < s->n; i++) {
        char night[11];
        assay_night_text(s->night[i], night);
        fprintf(script, "%s %.6g %.6g\n", night, 100 * expm1(s->value[i] - base),
                isfinite(s->level[i]) ? 100 * expm1(s->level[i] - base) : 0.0);
    }
    fputs("EOD\nset xdata time\nset timefmt \"%Y-%m-%d\"\nset format x \"%Y-%m-%d\"\nset border "
          "3 lw 0.8\nset tics nomirror scale 0.5\n"
          "set grid x y lt 1 lc " ASSAY_PLOT_GRID
          " lw 0.6\nset format y \"%g %%\"\nunset key\nset offsets 0,0,0.5,0.5\nset rmargin 7\n",
          script);
    fprintf(script, "set xtics %lld\n", days_between_ticks(s->night[s->n - 1] - s->night[from]) * 86400);
    fprintf(script,
            "plot $p using 1:3 with steps lw 1.4 lc " ASSAY_PLOT_SERIES
            ", $p using 1:2 with points pt 7 ps 0.45 lc " ASSAY_PLOT_SERIES "\n",
            2u, 1u);
    p->plot[p->n] = plot;
    p->series[p->n++] = series;
}

static void draw_all(struct trend_page *p)
{
    const struct assay_watch *w = p->report->watch;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < w->n; i++)
            if (pass ? w->series[i].is_sentinel && !has_alarm(p->report, &w->series[i]) : has_alarm(p->report, &w->series[i]))
                draw(p, i);
    assay_plots_draw(p->plots);
}

static void alarms(struct trend_page *p)
{
    struct assay_sink *to = &p->page.to;
    assay_sink_raw(to, "<section id=\"alarms\" aria-labelledby=\"h-alarms\"><h2 id=\"h-alarms\">Alarms</h2>\n");
    if (!p->report->n_alarms)
        assay_sink_raw(to, "<p>None.</p>\n");
    else
        assay_sink_raw(to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"alarms\"><table><thead><tr><th "
                           "scope=\"col\">alarm</th><th scope=\"col\">since</th>"
                           "<th scope=\"col\">last good</th><th scope=\"col\">what</th><th scope=\"col\">what else "
                           "changed</th><th scope=\"col\">named</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < p->report->n_alarms; i++) {
        const struct assay_history_alarm *a = &p->report->alarms[i];
        char first[11], good[11] = "";
        assay_night_text(a->first_bad, first);
        if (a->last_good >= 0)
            assay_night_text(a->last_good, good);
        assay_sink_raw(to,
                       "<tr><th scope=\"row\" class=\"be\"><code>%s</code><small>%s</small></th><td class=\"be\">%s</td><td "
                       "class=\"be\">%s</td><td>",
                       a->id, a->kind, first, good);
        assay_sink_text(to, a->message);
        assay_sink_raw(to, "<small>");
        assay_sink_text(to, a->scope);
        assay_sink_raw(to, "</small></td>");
        assay_page_element(&p->page, "td", a->changed);
        assay_sink_raw(to, "<td>");
        assay_sink_text(to, *a->named ? a->named : "open");
        assay_page_element(&p->page, "small", a->why);
        if (*a->earlier) {
            assay_sink_raw(to, "<small>before that: ");
            assay_sink_text(to, a->earlier);
            assay_sink_raw(to, "</small>");
        }
        assay_sink_raw(to, "</td></tr>\n");
    }
    assay_sink_raw(to,
                   "%s<p class=\"small\">Open until named: <code>assay history name ALARM regression|intended|environment --why "
                   "TEXT --db FILE</code></p></section>\n",
                   p->report->n_alarms ? "</tbody></table></div>" : "");
}

static void trends(struct trend_page *p)
{
    struct assay_sink *to = &p->page.to;
    assay_sink_raw(to, "<section id=\"trends\" aria-labelledby=\"h-trends\"><h2 id=\"h-trends\">Trends</h2>\n<p>Series with an "
                       "open alarm, then the sentinels; a point a night, "
                       "the line is the level. In percent of the level that holds now.</p>\n");
    for (size_t i = 0; i < p->n; i++) {
        const struct assay_watch_series *s = &p->report->watch->series[p->series[i]];
        assay_sink_raw(to, "<figure><figcaption>");
        assay_page_case_name(&p->page, s->of->case_name);
        assay_sink_raw(to, "<br/>");
        assay_sink_textf(to, "%s, %s at %s%s", s->of->backend, s->of->device, s->of->host, s->is_sentinel ? " (sentinel)" : "");
        assay_sink_raw(to, "</figcaption>");
        assay_page_plot(&p->page, p->plot[i], "latency night by night, with its level");
        assay_sink_raw(to, "</figure>\n");
    }
    if (*assay_plots_why(p->plots)) {
        assay_sink_raw(to, "<p>Plots are missing: ");
        assay_sink_text(to, assay_plots_why(p->plots));
        assay_sink_raw(to, ".</p>\n");
    }
    assay_sink_raw(to, "</section>\n");
}

static void series_row(struct trend_page *p, const struct assay_watch_series *s)
{
    struct assay_sink *to = &p->page.to;
    char worth[96], level[64] = "–", noise[32] = "–";
    struct assay_text text = ASSAY_TEXT(level);
    assay_watch_worth(s, worth);
    if (s->state.nights) {
        assay_string_quantity(&text, exp(s->level[s->n - 1]) / 1e9, "s", 4);
        (void)snprintf(noise, sizeof noise, "%.2f %%", 100 * s->state.sigma);
    }
    assay_sink_raw(to, "<tr><th scope=\"row\">");
    assay_page_case_name(&p->page, s->of->case_name);
    assay_sink_raw(to, "<small>");
    assay_sink_textf(to, "%s, %s at %s%s", s->of->backend, s->of->device, s->of->host, s->is_sentinel ? " (sentinel)" : "");
    assay_sink_raw(to, "</small></th><td class=\"num\">%s</td><td class=\"num\">%s</td><td>%s</td><td class=\"num\">%zu</td><td>",
                   level, noise, worth, s->n);
    assay_sink_text(to, s->of->n ? assay_standing_name((enum assay_standing)s->of->points[s->of->n - 1].standing) : "–");
    assay_sink_raw(to, "</td></tr>\n");
}

static void list(struct trend_page *p)
{
    struct assay_sink *to = &p->page.to;
    assay_sink_raw(to, "<section id=\"series\" aria-labelledby=\"h-series\"><h2 id=\"h-series\">Series</h2>\n<div "
                       "class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"series\"><table><thead><tr>"
                       "<th scope=\"col\">case</th><th scope=\"col\" class=\"num\">level</th><th scope=\"col\" "
                       "class=\"num\">night σ</th><th scope=\"col\">step in 5 nights with 95 %%</th>"
                       "<th scope=\"col\" class=\"num\">nights</th><th scope=\"col\">last verdict</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < p->report->watch->n; i++)
        series_row(p, &p->report->watch->series[i]);
    assay_sink_raw(to, "</tbody></table></div></section>\n");
}

void assay_watch_page(struct assay_sink *sink, const struct assay_watch_report *report)
{
    char sum[256];
    struct assay_text text = ASSAY_TEXT(sum);
    struct trend_page p = {.page = {.to = *sink}, .report = report, .plots = assay_plots_new()};
    struct assay_sink *to = &p.page.to;
    if (!p.plots) {
        sink->failed = true;
        return;
    }
    p.page.plots = p.plots;
    draw_all(&p);
    assay_watch_sum(report->watch, &text);
    assay_sink_raw(to,
                   "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
                   "content=\"width=device-width, initial-scale=1\"/>\n"
                   "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>Assay nightly: %zu open</title>\n<style>\n",
                   report->n_open);
    for (size_t i = 0; assay_page_style[i]; i++)
        assay_sink_raw(to, "%s", assay_page_style[i]);
    assay_sink_raw(to,
                   "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">to the page</a>\n<header>\n<p "
                   "class=\"kicker\">Assay nightly</p>\n<h1>%zu alarm%s open</h1>\n</header>\n"
                   "<nav aria-label=\"sections\"><ul><li><a href=\"#alarms\">Alarms</a></li><li><a "
                   "href=\"#trends\">Trends</a></li><li><a href=\"#series\">Series</a></li></ul></nav>\n"
                   "<main id=\"main\">\n<p class=\"lead\">%s.</p>\n",
                   report->n_open, report->n_open == 1 ? "" : "s", sum);
    alarms(&p);
    trends(&p);
    list(&p);
    assay_sink_raw(to, "</main>\n<footer><p>Written by assay " ASSAY_VERSION
                       " from a history of nights.</p></footer>\n</body>\n</html>\n");
    sink->failed = sink->failed || to->failed;
    assay_plots_free(p.plots);
}
