/* The deviation table as a page, for screen and paper. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "reports/decision/deviation.h"
#include "reports/decision/deviation_page.h"
#include "reports/page/page.h"

#include "assay/banned.h"

static const char style[] =
    ".deviations{font-size:.84rem;min-width:60rem}.deviations th,.deviations td{text-align:left;vertical-align:top;white-space:normal}"
    ".deviations td:first-child,.deviations td:nth-child(4){min-width:11rem}.deviations td:nth-child(3),.deviations td:nth-child(5){min-width:5.5rem}.deviations td:nth-child(6){white-space:nowrap}.deviations code{overflow-wrap:anywhere}h2{overflow-wrap:anywhere}\n"
    "@media print{@page{size:A4 landscape;margin:11mm}header,main,footer{max-width:none;padding:0}.deviations{min-width:0;font-size:7.2pt;line-height:1.25}"
    ".deviations th,.deviations td{padding:.15rem .3rem}.deviations td:first-child,.deviations td:nth-child(4){min-width:0}.deviations tr{break-inside:avoid}"
    "h1{font-size:14pt}h2{font-size:10pt;margin:.8rem 0 .2rem}.scroll{overflow:visible}}\n";

struct writing {
    struct assay_sink               to;
    enum assay_language             language;
    const struct assay_deviations  *of;
};

static void say(struct writing *w, const char *tag, enum assay_say what)
{
    assay_sink_raw(&w->to, "<%s>%s</%.*s>", tag, assay_say(w->language, what), (int)strcspn(tag, " "), tag);
}

static void cell(struct writing *w, const char *tag, const char *text)
{
    assay_sink_raw(&w->to, "<%s>", tag);
    assay_sink_text(&w->to, text);
    assay_sink_raw(&w->to, "</%.*s>", (int)strcspn(tag, " "), tag);
}

/* Our word for the kind of rule, then the policy's own. */
static void clause(struct writing *w, const struct assay_deviation *d)
{
    assay_sink_raw(&w->to, "<td>");
    assay_sink_textf(&w->to, "%.*s", (int)d->words, d->clause);
    assay_sink_raw(&w->to, "<span lang=\"%s\">", assay_language_of(d->clause + d->words));
    assay_sink_text(&w->to, d->clause + d->words);
    assay_sink_raw(&w->to, "</span></td>");
}

/* Where the case stands: the page of the printed report, where that is known, else the case that can be looked for in it. */
static void page(struct writing *w, const char *case_id)
{
    char              name[64], number[16], text[160];
    struct assay_text room = ASSAY_TEXT(text);
    (void)snprintf(name, sizeof name, "case id %s", case_id);
    unsigned at = *case_id && w->of->report_pdf ? assay_pdf_page_of(w->of->report_pdf, name) : 0;
    (void)snprintf(number, sizeof number, "%u", at);
    if (at)
        assay_say_with(&room, w->language, ASSAY_SAY_PAGE_OF, (const char *const[]){"report.pdf", number, NULL});
    else
        assay_text_add(&room, "%s%s", *case_id ? "index.html, " : "–", case_id);
    cell(w, "td", text);
}

static void row(struct writing *w, const struct assay_candidate *c, size_t rule)
{
    struct assay_deviation d;
    assay_deviation_of(c, rule, w->of->claims, w->language, &d);
    assay_sink_raw(&w->to, "<tr>");
    clause(w, &d);
    cell(w, "td", d.required);
    cell(w, "td", d.claimed);
    cell(w, "td", d.measured);
    cell(w, "td", d.deviation);
    page(w, d.case_id);
    assay_sink_raw(&w->to, "<td>");
    cell(w, "code", *d.repeat ? d.repeat : "–");
    assay_sink_raw(&w->to, "</td></tr>\n");
}

static void candidate(struct writing *w, const struct assay_candidate *c)
{
    static const enum assay_say columns[] = {ASSAY_SAY_CLAUSE,    ASSAY_SAY_REQUIRED, ASSAY_SAY_CLAIMED, ASSAY_SAY_MEASURED,
                                             ASSAY_SAY_DEVIATION, ASSAY_SAY_PAGE,     ASSAY_SAY_REPEAT};
    char                        evidence[160], about[1024];
    struct assay_text           e = ASSAY_TEXT(evidence), a = ASSAY_TEXT(about);
    assay_say_candidate_evidence(&e, w->language, c);
    assay_say_with(&a, w->language, ASSAY_SAY_DEVIATION_ABOUT, (const char *const[]){w->of->q->policy->name, c->name, evidence, NULL});
    assay_sink_raw(&w->to, "<section>\n");
    cell(w, "h2", c->name);
    cell(w, "p", about);
    assay_sink_raw(&w->to, "\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    assay_sink_text(&w->to, c->name);
    assay_sink_raw(&w->to, "\"><table class=\"deviations\"><thead><tr>");
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        say(w, "th scope=\"col\"", columns[i]);
    assay_sink_raw(&w->to, "</tr></thead><tbody>\n");
    for (size_t k = 0; k < w->of->q->policy->n_rules; k++)
        row(w, c, k);
    assay_sink_raw(&w->to, "</tbody></table></div>\n</section>\n");
}

static void write_page(struct writing *w)
{
    assay_sink_raw(&w->to,
                   "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, "
                   "initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"generator\" content=\"assay " ASSAY_VERSION "\"/>\n",
                   assay_say(w->language, ASSAY_SAY_LANGUAGE_TAG));
    say(w, "title", ASSAY_SAY_DEVIATION_TITLE);
    assay_sink_raw(&w->to, "\n<style>\n");
    for (size_t i = 0; assay_page_style[i]; i++)
        assay_sink_raw(&w->to, "%s", assay_page_style[i]);
    assay_sink_raw(&w->to, "%s</style>\n</head>\n<body>\n<header>", style);
    say(w, "h1", ASSAY_SAY_DEVIATION_TITLE);
    assay_sink_raw(&w->to, "</header>\n<main>\n");
    for (size_t i = 0; i < w->of->q->n; i++)
        candidate(w, &w->of->q->candidates[i]);
    assay_sink_raw(&w->to, "</main>\n</body>\n</html>\n");
}

enum assay_code assay_deviations_write(const struct assay_deviations *of, enum assay_language language, const char *path, struct assay_error *err)
{
    char  *bytes = NULL;
    size_t length = 0;
    FILE  *out = open_memstream(&bytes, &length);
    if (!out)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a page");
    struct writing w = {.to = {.out = out, .how = ASSAY_ESCAPE_HTML}, .language = language, .of = of};
    write_page(&w);
    if (fclose(out) != 0 || w.to.failed)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the page '%.160s'", path);
    else
        (void)assay_file_replace(path, bytes, length, err);
    free(bytes);
    return err->code;
}
