#include "reports/plot.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/process.h"

#include "assay/banned.h"

/* Measured with gnuplot 5.4: 5 ms and 14 KiB a plot of one curve of 256 points. */
#define BATCH 64
#define BATCH_BYTES ((size_t)BATCH << 18)
#define BATCH_NS (60 * ASSAY_NS_PER_S)
#define MARK "<!--assay-plot %zu-->"

struct plot {
    char  *script, *svg; /* owned */
    size_t script_bytes;
    int    width, height;
};

struct assay_plots {
    struct plot *plot;
    size_t       n, capacity;
    FILE        *writing; /* into plot[n - 1].script, or NULL */
    char         why[320];
};

struct assay_plots *assay_plots_new(void)
{
    return calloc(1, sizeof(struct assay_plots));
}

static void end_script(struct assay_plots *plots)
{
    if (plots->writing && fclose(plots->writing))
        (void)snprintf(plots->why, sizeof plots->why, "out of memory for the script of a plot");
    plots->writing = NULL;
}

void assay_plots_free(struct assay_plots *plots)
{
    if (!plots)
        return;
    end_script(plots);
    for (size_t i = 0; i < plots->n; i++) {
        free(plots->plot[i].script);
        free(plots->plot[i].svg);
    }
    free(plots->plot);
    free(plots);
}

size_t assay_plots_begin(struct assay_plots *plots, int width, int height, FILE **script)
{
    end_script(plots);
    if (plots->n == plots->capacity) {
        size_t       more = plots->capacity ? 2 * plots->capacity : 64;
        struct plot *plot = realloc(plots->plot, more * sizeof *plot);
        if (!plot)
            return ASSAY_PLOT_NONE;
        plots->plot = plot;
        plots->capacity = more;
    }
    struct plot *p = &plots->plot[plots->n];
    memset(p, 0, sizeof *p);
    p->width = width;
    p->height = height;
    plots->writing = open_memstream(&p->script, &p->script_bytes);
    if (!plots->writing)
        return ASSAY_PLOT_NONE;
    *script = plots->writing;
    return plots->n++;
}

/* ---- one process a batch ----------------------------------------------------------------------------------- */

static char *batch_script(const struct assay_plots *plots, size_t first, size_t n)
{
    char  *script = NULL;
    size_t bytes;
    FILE  *f = open_memstream(&script, &bytes);
    if (!f)
        return NULL;
    fputs("set encoding utf8\n", f);
    for (size_t i = first; i < first + n; i++) {
        const struct plot *p = &plots->plot[i];
        /* A plot that fails must not end the batch: it is missing between its marks, no more. */
        fprintf(f, "reset session\nset print \"-\"\nset terminal svg size %d,%d dynamic noenhanced font \"inherit,13\" name \"q\"\nprint \"",
                p->width, p->height);
        fprintf(f, MARK, i);
        fprintf(f, "\"\nset output\n%s\nunset output\n", p->script);
    }
    fputs("set terminal unknown\nprint \"", f);
    fprintf(f, MARK, first + n);
    fputs("\"\n", f);
    if (fclose(f)) {
        free(script);
        return NULL;
    }
    return script;
}

/* "rgb(  1,   1,   3)" and the like, at *at; moves *at behind it and writes what stands for it. */
static bool colour(const char **at, FILE *out)
{
    unsigned r, g, b;
    int      used = 0;
    if (sscanf(*at, "rgb(%u,%u,%u)%n", &r, &g, &b, &used) != 3 || used == 0)
        return false;
    if (r == 1 && g == 1 && b > 0)
        fprintf(out, "var(--s%u)", (b - 1) % ASSAY_PLOT_MAX_SERIES + 1);
    else
        fputs(r == 10 && g == 11 && b == 12 ? "var(--grid)" : "currentColor", out);
    *at += used;
    return true;
}

static bool skip(const char **at, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

/* An element that no drawing needs: titles (they become tool tips), and groups with nothing in them. */
static bool skip_element(const char **at, const char *end)
{
    const char *p = *at, *close;
    if (!strncmp(p, "<title>", 7) || !strncmp(p, "<desc>", 6)) {
        close = strstr(p, p[1] == 't' ? "</title>" : "</desc>");
        if (!close || close > end)
            return false;
        *at = close + (p[1] == 't' ? 8 : 7);
        return true;
    }
    if (strncmp(p, "<g fill=\"none\"", 14) != 0 || !(close = strchr(p, '>')) || strncmp(close, ">\n</g>\n", 7) != 0)
        return false;
    *at = close + 7;
    return true;
}

/* Ids become the plot's own, colours the page's; what no drawing needs is left out. */
static void rewrite(const char *at, const char *end, size_t number, FILE *out)
{
    static const char *const noise[] = {
        " color=\"black\"", " color=\"white\"", " class=\"gridline\"", " font-family=\"inherit\"",
        " stroke-linecap=\"butt\" stroke-linejoin=\"miter\"", "\n xmlns:xlink=\"http://www.w3.org/1999/xlink\"",
        "\n xmlns=\"http://www.w3.org/2000/svg\"", "\t"};
    const char *defs = strstr(at, "<defs>"), *body = strstr(at, "</defs>");
    if (defs && body && body < end) { /* the shapes of points are kept only where points are drawn */
        const char *use = strstr(body, "href='#gpPt");
        body += strlen("</defs>");
        defs = use && use < end ? NULL : defs;
    }
    while (at < end) {
        size_t i = 0;
        if (defs && body && at == defs)
            at = body;
        if (*at == '<' && skip_element(&at, end))
            continue;
        while (i < sizeof noise / sizeof *noise && !skip(&at, noise[i]))
            i++;
        if (i < sizeof noise / sizeof *noise || (*at == 'r' && colour(&at, out)))
            continue;
        if (skip(&at, " id='") || skip(&at, " id=\""))
            fprintf(out, " id=%cp%zu-", at[-1], number);
        else if (skip(&at, "xlink:href='#"))
            fprintf(out, "href='#p%zu-", number);
        else if (skip(&at, "fill=\"black\""))
            fputs("fill=\"currentColor\"", out);
        else if (skip(&at, "stroke='black'")) /* frames, which would not be seen on a dark page */
            fputs("stroke='currentColor'", out);
        else
            fputc(*at++, out);
    }
}

/* The drawing between two marks; NULL when there is none or it is cut. */
static char *extract(const char *from, const char *to, size_t number)
{
    char       *svg = NULL;
    size_t      bytes;
    const char *begin = strstr(from, "<svg"), *end = NULL;
    for (const char *p = from; (p = strstr(p, "</svg>")) && p < to; p++)
        end = p + strlen("</svg>");
    if (!begin || begin > to || !end)
        return NULL;
    FILE *out = open_memstream(&svg, &bytes);
    if (!out)
        return NULL;
    rewrite(begin, end, number, out);
    if (fclose(out)) {
        free(svg);
        return NULL;
    }
    return svg;
}

static void take_drawings(struct assay_plots *plots, size_t first, size_t n, const char *output)
{
    char        mark[48];
    const char *at = output;
    for (size_t i = first; i < first + n; i++) {
        (void)snprintf(mark, sizeof mark, MARK, i);
        const char *from = strstr(at, mark);
        (void)snprintf(mark, sizeof mark, MARK, i + 1);
        const char *to = from ? strstr(from, mark) : NULL;
        if (to) {
            plots->plot[i].svg = extract(from, to, i);
            at = to;
        }
        if (!plots->plot[i].svg && !*plots->why)
            (void)snprintf(plots->why, sizeof plots->why, "gnuplot gave no drawing for plot %zu", i + 1);
    }
}

static void draw_batch(struct assay_plots *plots, size_t first, size_t n)
{
    char               program[] = "gnuplot", defaults[] = "-d", *const argv[] = {program, defaults, NULL};
    struct assay_error err = {.code = ASSAY_OK};
    int                status = 0;
    char              *script = batch_script(plots, first, n), *output = malloc(BATCH_BYTES);
    if (!script || !output)
        (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for plots");
    else if (!assay_process_capture(argv, script, BATCH_NS, output, BATCH_BYTES, &status, &err))
        take_drawings(plots, first, n, output);
    if (err.code && !*plots->why)
        (void)snprintf(plots->why, sizeof plots->why, "gnuplot could not be run: %s", err.message);
    free(script);
    free(output);
}

void assay_plots_draw(struct assay_plots *plots)
{
    end_script(plots);
    for (size_t first = 0; first < plots->n && !*plots->why; first += BATCH)
        draw_batch(plots, first, plots->n - first < BATCH ? plots->n - first : BATCH);
}

const char *assay_plots_svg(const struct assay_plots *plots, size_t number)
{
    return number < plots->n ? plots->plot[number].svg : NULL;
}

const char *assay_plots_why(const struct assay_plots *plots)
{
    return plots->why;
}
