#include "reports/page/page.h"

#include <math.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/plan/plan.h"
#include "reports/figures.h"
#include "reports/language.h"

#include "assay/banned.h"

void assay_page_element(struct assay_page *p, const char *tag, const char *text)
{
    assay_sink_raw(&p->to, "<%s>", tag);
    assay_sink_text(&p->to, text);
    assay_sink_raw(&p->to, "</%.*s>", (int)strcspn(tag, " "), tag);
}

void assay_page_fact(struct assay_page *p, const char *name, const char *text)
{
    if (!*text)
        return;
    assay_sink_raw(&p->to, "<div><dt>%s</dt>", name);
    assay_page_element(p, "dd", text);
    assay_sink_raw(&p->to, "</div>\n");
}

void assay_page_recorded_attributes(struct assay_page *p, const char *text)
{
    assay_sink_raw(&p->to, " lang=\"%s\" translate=\"no\"", assay_language_of(text));
}

void assay_page_recorded(struct assay_page *p, const char *name, const char *text)
{
    if (!*text)
        return;
    assay_sink_raw(&p->to, "<div><dt>%s</dt><dd", name);
    assay_page_recorded_attributes(p, text);
    assay_sink_raw(&p->to, ">");
    assay_sink_text(&p->to, text);
    assay_sink_raw(&p->to, "</dd></div>\n");
}

static void head(struct assay_page *p, const char *const *columns)
{
    for (; *columns; columns++)
        assay_sink_raw(&p->to, "<th scope=\"col\"%s>%s</th>", **columns == '>' ? " class=\"num\"" : "", *columns + (**columns == '>'));
    assay_sink_raw(&p->to, "</tr></thead><tbody>\n");
}

void assay_page_table_begin(struct assay_page *p, const char *label, const char *const *columns)
{
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table><thead><tr>", label);
    head(p, columns);
}

void assay_page_cards_begin(struct assay_page *p, const char *label, const char *const *columns)
{
    assay_sink_raw(&p->to, "<div class=\"scroll cards\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table class=\"results\"><thead><tr>", label);
    head(p, columns);
}

void assay_page_table_end(struct assay_page *p)
{
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
}

void assay_page_case_name(struct assay_page *p, const char *name)
{
    const char *slash = strchr(name, '/');
    size_t      head = slash ? (size_t)(slash - name) : strlen(name);
    size_t      point = strcspn(name, "@"); /* a line may break where the scenario begins */
    point = point < head ? point : head;
    assay_sink_raw(&p->to, "<b translate=\"no\">");
    assay_sink_textf(&p->to, "%.*s", (int)point, name);
    assay_sink_raw(&p->to, "%s", point < head ? "<wbr/>" : "");
    assay_sink_textf(&p->to, "%.*s", (int)(head - point), name + point);
    assay_sink_raw(&p->to, "</b>");
    for (const char *part = name + head; *part;) {
        size_t n = 1 + strcspn(part + 1, ",");
        assay_sink_raw(&p->to, "%s", part == name + head ? "<wbr/><span class=\"par\" translate=\"no\">" : "<wbr/>");
        assay_sink_textf(&p->to, "%.*s", (int)n, part);
        part += n;
    }
    if (slash)
        assay_sink_raw(&p->to, "</span>");
}

void assay_page_case_brief(struct assay_page *p, const char *name)
{
    char brief[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(name, brief);
    assay_page_case_name(p, brief);
}

void assay_page_evidence_mark(struct assay_page *p, const struct assay_summary_row *row)
{
    assay_sink_raw(&p->to, "<span class=\"ev ev%d\" title=\"%s: %s\" aria-hidden=\"true\">%s</span>", (int)row->evidence,
                   assay_evidence_name(row->evidence), assay_figure_evidence_about(row->evidence), assay_figure_evidence_mark(row->evidence));
}

void assay_page_evidence(struct assay_page *p, const struct assay_summary_row *row)
{
    char              words[64];
    struct assay_text text = ASSAY_TEXT(words);
    assay_figure_evidence(&text, row);
    assay_page_evidence_mark(p, row);
    assay_sink_raw(&p->to, " ");
    assay_page_element(p, "span", words); /* of its own, so that it is translated whatever stands around it */
}

void assay_page_outcome(struct assay_page *p, enum assay_outcome outcome)
{
    static const char *const mark[] = {"", "✓", "≈", "✗", "!", "–"};
    bool                     known = outcome >= ASSAY_PASS && outcome <= ASSAY_NOT_CHECKED;
    assay_sink_raw(&p->to, "<span class=\"v v%d\"><span aria-hidden=\"true\">%s</span> %s</span>", (int)outcome, known ? mark[outcome] : "",
                   known ? assay_outcome_name(outcome) : "unknown");
}

void assay_page_figure(struct assay_page *p, const struct assay_summary_row *row, enum assay_metric metric)
{
    char                         value[64];
    struct assay_text            text = ASSAY_TEXT(value);
    const struct assay_estimate *e = &row->metric[metric];
    if (!e->has_value && e->has_interval) { /* a range without a point */
        assay_figure_range(&text, metric, e);
        assay_page_evidence_mark(p, row);
        assay_sink_raw(&p->to, "&#160;<span title=\"");
        assay_sink_text(&p->to, e->why);
        assay_sink_raw(&p->to, "\" class=\"%s\">", assay_figure_is_struck(row) ? "fig unproved" : "fig");
        assay_sink_text(&p->to, value);
        assay_sink_raw(&p->to, "</span>");
        return;
    }
    if (!e->has_value) {
        assay_sink_raw(&p->to, "<span class=\"none\" title=\"");
        assay_sink_text(&p->to, *e->why ? e->why : "no reason was recorded");
        assay_sink_raw(&p->to, "\">–</span>");
        return;
    }
    assay_figure_value(&text, metric, e->value);
    assay_page_evidence_mark(p, row);
    assay_sink_raw(&p->to, "&#160;<span class=\"%s\">", assay_figure_is_struck(row) ? "fig unproved" : "fig");
    assay_sink_text(&p->to, value);
    assay_sink_raw(&p->to, "</span>");
}

void assay_page_number(struct assay_page *p, const char *label, double x)
{
    assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"%s\">", label);
    if (isnan(x))
        assay_sink_raw(&p->to, "–</td>");
    else if (isinf(x))
        assay_sink_raw(&p->to, "∞</td>");
    else
        assay_sink_raw(&p->to, "%.2g</td>", x);
}

void assay_page_count(struct assay_page *p, const char *label, uint64_t n)
{
    char              room[48];
    struct assay_text text = ASSAY_TEXT(room);
    assay_figure_count(&text, n);
    assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"%s\">%s</td>", label, room);
}

int assay_page_heat(enum assay_outcome outcome, double ratio)
{
    if (outcome != ASSAY_PASS || !(ratio > 0))
        return 0;
    return ratio < 1 ? (int)(4 * ratio) : 3;
}

void assay_page_ratio(struct assay_page *p, const char *label, enum assay_outcome outcome, double ratio)
{
    if (isnan(ratio)) {
        assay_page_number(p, label, ratio);
        return;
    }
    assay_sink_raw(&p->to, "<td class=\"num v%d h%d\" data-label=\"%s\">", (int)outcome, assay_page_heat(outcome, ratio), label);
    assay_sink_raw(&p->to, isinf(ratio) ? "∞</td>" : "%.2g</td>", ratio);
}

void assay_page_op_name(struct assay_page *p, const char *tag, const char *op)
{
    assay_sink_raw(&p->to, "<%s>", tag);
    for (const char *at = op; *at;) {
        char   part[48];
        size_t n = 1;
        while (at[n] && !(at[n] >= 'A' && at[n] <= 'Z' && at[n - 1] >= 'a'))
            n++;
        (void)snprintf(part, sizeof part, "%.*s", (int)n, at);
        assay_sink_raw(&p->to, "%s", at == op ? "" : "<wbr/>");
        assay_sink_text(&p->to, part);
        at += n;
    }
    assay_sink_raw(&p->to, "</th>");
}

void assay_page_id(struct assay_page *p, const struct assay_report_run *run, const char *name)
{
    assay_sink_raw(&p->to, "%s", name);
    if (run->number > 1)
        assay_sink_raw(&p->to, "-%zu", run->number);
}

void assay_page_plot(struct assay_page *p, size_t plot, const char *label)
{
    const char *svg = assay_plots_svg(p->plots, plot);
    if (!svg)
        return;
    assay_sink_raw(&p->to, "<div class=\"plot\"><svg role=\"img\" aria-label=\"");
    assay_sink_text(&p->to, label);
    assay_sink_raw(&p->to, "\"%s</div>\n", svg + strlen("<svg"));
}

void assay_page_series(struct assay_page *p, const struct assay_summary *run, const char *backend, bool whole)
{
    char              name[640];
    struct assay_text text = ASSAY_TEXT(name);
    unsigned          series = assay_report_series(run, backend);
    assay_sink_raw(&p->to, "<span class=\"key%s\" style=\"color:var(--s%u)\" aria-hidden=\"true\"></span> ",
                   series > ASSAY_PLOT_MAX_SERIES ? " dashed" : "", (series - 1) % ASSAY_PLOT_MAX_SERIES + 1);
    if (whole)
        assay_text_add(&text, "%s", backend);
    else
        assay_report_series_name(run, backend, &text);
    assay_sink_text(&p->to, name);
}

/* ---- any JSON ------------------------------------------------------------------------------------------- */

/* Keys of JSON documents as words: "memory_bytes" is read as it is written, so that it can be found in the file. */
static void scalar(struct assay_page *p, const json_t *value)
{
    if (json_is_string(value))
        assay_sink_text(&p->to, *json_string_value(value) ? json_string_value(value) : "–");
    else if (json_is_integer(value))
        assay_sink_raw(&p->to, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        assay_sink_raw(&p->to, "%.10g", json_real_value(value));
    else
        assay_sink_raw(&p->to, "%s", json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "none");
}

static bool is_absence(const json_t *value)
{
    return json_is_object(value) && json_is_null(json_object_get(value, "value")) && json_object_get(value, "value") &&
           json_is_string(json_object_get(value, "why"));
}

/* What fits a cell of a table: no table of its own. */
static bool is_cell(const json_t *value)
{
    size_t  index;
    json_t *member;
    if (json_is_object(value))
        return is_absence(value);
    json_array_foreach(value, index, member)
        if (json_is_object(member) || json_is_array(member))
            return false;
    return true;
}

#define MAX_COLUMNS 12

/* A list of objects of what fits cells as a table; false when it is something else. */
static bool json_table(struct assay_page *p, const json_t *list)
{
    const char *column[MAX_COLUMNS] = {NULL}, *key;
    size_t      n = 0, index;
    json_t     *row, *cell;
    json_array_foreach(list, index, row) {
        if (!json_is_object(row))
            return false;
        json_object_foreach(row, key, cell) {
            size_t c = 0;
            while (c < n && strcmp(column[c], key) != 0)
                c++;
            if (c == MAX_COLUMNS || !is_cell(cell))
                return false;
            if (c == n)
                column[n++] = key;
        }
    }
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"table, may scroll sideways\"><table><thead><tr>");
    for (size_t c = 0; c < n; c++)
        assay_page_element(p, "th scope=\"col\"", column[c]);
    assay_sink_raw(&p->to, "</tr></thead><tbody>\n");
    json_array_foreach(list, index, row) {
        assay_sink_raw(&p->to, "<tr>");
        for (size_t c = 0; c < n; c++) {
            assay_sink_raw(&p->to, "<td>");
            if ((cell = json_object_get(row, column[c])))
                assay_page_json(p, cell);
            assay_sink_raw(&p->to, "</td>");
        }
        assay_sink_raw(&p->to, "</tr>\n");
    }
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
    return true;
}

void assay_page_json(struct assay_page *p, const json_t *value)
{
    const char *key;
    json_t     *member;
    size_t      index;
    if (is_absence(value)) {
        assay_sink_raw(&p->to, "<span class=\"none\">not known: ");
        assay_sink_text(&p->to, json_string_value(json_object_get(value, "why")));
        assay_sink_raw(&p->to, "</span>");
    } else if (json_is_object(value)) {
        assay_sink_raw(&p->to, "<dl class=\"facts\">\n");
        json_object_foreach((json_t *)(uintptr_t)value, key, member) {
            assay_sink_raw(&p->to, "<div>");
            assay_page_element(p, "dt", key);
            assay_sink_raw(&p->to, "<dd>");
            assay_page_json(p, member);
            assay_sink_raw(&p->to, "</dd></div>\n");
        }
        assay_sink_raw(&p->to, "</dl>\n");
    } else if (json_is_array(value) && json_array_size(value) == 0) {
        assay_sink_raw(&p->to, "none");
    } else if (json_is_array(value) && json_is_object(json_array_get(value, 0)) && json_table(p, value)) {
        return;
    } else if (json_is_array(value)) {
        json_array_foreach(value, index, member) {
            assay_sink_raw(&p->to, "%s", index && !json_is_object(member) ? ", " : "");
            assay_page_json(p, member);
        }
    } else {
        scalar(p, value);
    }
}
