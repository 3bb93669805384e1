#include "reports/markdown/table.h"

#include <math.h>

#include "assay/banned.h"

void assay_markdown_head(struct assay_sink *to, const char *const *columns)
{
    assay_sink_raw(to, "\n|");
    for (size_t i = 0; columns[i]; i++)
        assay_sink_raw(to, " %s |", columns[i] + (*columns[i] == '>'));
    assay_sink_raw(to, "\n|");
    for (size_t i = 0; columns[i]; i++)
        assay_sink_raw(to, " %s |", *columns[i] == '>' ? "---:" : "---");
    assay_sink_raw(to, "\n");
}

void assay_markdown_cell(struct assay_sink *to, const char *text)
{
    assay_sink_raw(to, " ");
    assay_sink_text(to, text);
    assay_sink_raw(to, " |");
}

void assay_markdown_number(struct assay_sink *to, double x)
{
    assay_sink_raw(to, isnan(x) ? " – |" : isinf(x) ? " ∞ |" : " %.2g |", x);
}

void assay_markdown_count(struct assay_sink *to, uint64_t n)
{
    assay_sink_raw(to, " %llu |", (unsigned long long)n);
}
