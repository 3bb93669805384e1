/* The page as a whole: one file, no script, nothing loaded from anywhere. */
#include <string.h>

#include "reports/figures.h"
#include "reports/page/page.h"

#include "assay/banned.h"

static const struct {
    const char *id, *title;
    void (*write)(struct assay_page *p, const struct assay_report_run *run);
    bool (*is_there)(const struct assay_report_run *run); /* NULL: always */
} sections[] = {
    {"summary", "Summary", assay_page_summary, NULL},
    {"side", "Side by side", assay_page_side, assay_page_has_side},
    {"clusters", "Clusters", assay_page_clusters, assay_page_has_clusters},
    {"results", "Results", assay_page_results, NULL},
    {"load", "Under load", assay_page_load, assay_report_has_load},
    {"served", "Served requests", assay_page_served, assay_page_has_served},
    {"roofline", "Roofline", assay_page_roofline, NULL},
    {"models", "Models", assay_page_models, NULL},
    {"ops", "Op by format", assay_page_ops, assay_page_has_ops},
    {"repeats", "Repeatability", assay_page_repeats, assay_page_has_repeats},
    {"soak", "Soak", assay_page_soak, assay_page_has_soak},
    {"worth", "The model's worth", assay_page_worth, assay_page_has_worth},
    {"cases", "Case by case", assay_page_cases, NULL},
    {"uncounted", "Not counted", assay_page_uncounted, NULL},
    {"environment", "Environment", assay_page_environment, NULL},
};
#define N_SECTIONS (sizeof sections / sizeof *sections)

static void run_name(struct assay_page *p, const struct assay_report_run *run)
{
    char              room[256];
    struct assay_text text = ASSAY_TEXT(room);
    assay_figure_run_name(&text, run->summary);
    assay_sink_text(&p->to, room);
}

static bool is_there(size_t section, const struct assay_report_run *run)
{
    return !sections[section].is_there || sections[section].is_there(run);
}

/* What levels of validation found, before the runs; of each folder one or both. */
static const struct {
    const char *id, *title;
    void (*write)(struct assay_page *p, size_t k);
} level_sections[] = {
    {"level-model", "Whole models", assay_page_level_model},
    {"level-training", "Training", assay_page_level_training},
};
#define N_LEVEL_SECTIONS (sizeof level_sections / sizeof *level_sections)

static bool level_is_there(size_t section, const struct assay_findings *level)
{
    return section ? level->has_training : level->has_model;
}

static void level_links(struct assay_page *p)
{
    for (size_t k = 0; k < p->n_levels; k++)
        for (size_t i = 0; i < N_LEVEL_SECTIONS; i++)
            if (level_is_there(i, &p->levels[k]))
                assay_sink_raw(&p->to, "<li><a href=\"#%s-%zu\">%s</a></li>\n", level_sections[i].id, k + 1, level_sections[i].title);
}

static void navigation(struct assay_page *p)
{
    assay_sink_raw(&p->to, "<nav aria-label=\"sections\"><ul>\n");
    level_links(p);
    for (size_t r = 0; r < p->n_runs; r++) {
        if (p->n_runs > 1 || p->n_levels) {
            assay_sink_raw(&p->to, "<li class=\"of\">");
            run_name(p, &p->runs[r]);
            assay_sink_raw(&p->to, ":</li>\n");
        }
        for (size_t i = 0; i < N_SECTIONS; i++) {
            if (!is_there(i, &p->runs[r]))
                continue;
            assay_sink_raw(&p->to, "<li><a href=\"#");
            assay_page_id(p, &p->runs[r], sections[i].id);
            assay_sink_raw(&p->to, "\">%s</a></li>\n", sections[i].title);
        }
    }
    assay_sink_raw(&p->to, "<li><a href=\"#definitions\">Definitions</a></li>\n<li><a href=\"#limits\">Limits</a></li>\n</ul></nav>\n");
}

static void title(struct assay_page *p)
{
    bool any = false;
    for (size_t k = 0; k < p->n_levels; k++) {
        const char *suite = json_string_value(json_object_get(p->levels[k].model.manifest, "suite"));
        if (!p->levels[k].has_model)
            continue;
        assay_sink_raw(&p->to, "%s", any ? ", " : "");
        assay_sink_text(&p->to, suite ? suite : "models");
        any = true;
    }
    for (size_t i = 0; i < p->n_runs && i < 4; i++) {
        const char *suite = assay_figure_manifest(p->runs[i].summary, "suite");
        assay_sink_raw(&p->to, "%s", any || i ? ", " : "");
        if (*suite)
            assay_sink_text(&p->to, suite);
        else
            run_name(p, &p->runs[i]);
    }
    if (p->n_runs > 4)
        assay_sink_raw(&p->to, " and %zu more", p->n_runs - 4);
}

void assay_page_write(struct assay_page *p)
{
    assay_sink_raw(&p->to, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                           "<meta name=\"generator\" content=\"assay " ASSAY_VERSION "\"/>\n<title>Assay report: ");
    title(p);
    assay_sink_raw(&p->to, "</title>\n<style>\n");
    for (size_t i = 0; assay_page_style[i]; i++)
        assay_sink_raw(&p->to, "%s", assay_page_style[i]);
    assay_sink_raw(&p->to, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">to the report</a>\n<header>\n<p class=\"kicker\">Assay report</p>\n<h1>");
    title(p);
    assay_sink_raw(&p->to, "</h1>\n</header>\n");
    navigation(p);
    assay_sink_raw(&p->to, "<main id=\"main\">\n");
    for (size_t k = 0; k < p->n_levels; k++)
        for (size_t i = 0; i < N_LEVEL_SECTIONS; i++)
            if (level_is_there(i, &p->levels[k]))
                level_sections[i].write(p, k);
    for (size_t r = 0; r < p->n_runs; r++) {
        if (p->n_runs > 1 || p->n_levels) {
            assay_sink_raw(&p->to, "<h2 class=\"run\">Run ");
            run_name(p, &p->runs[r]);
            assay_sink_raw(&p->to, "</h2>\n");
        }
        for (size_t i = 0; i < N_SECTIONS; i++)
            if (is_there(i, &p->runs[r]))
                sections[i].write(p, &p->runs[r]);
    }
    assay_page_definitions(p);
    assay_page_limits(p);
    assay_sink_raw(&p->to, "</main>\n<footer><p>Written by assay " ASSAY_VERSION " from run folders alone. The same folders give the same bytes.</p></footer>\n</body>\n</html>\n");
}
