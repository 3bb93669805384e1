#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/page/page.h"

#define MAX_NAMES 64

struct theme {
    char     name[MAX_NAMES][16];
    unsigned rgb[MAX_NAMES];
    size_t   n;
};

static char sheet[40000];

static void read_sheet(void)
{
    sheet[0] = 0;
    for (size_t i = 0; assay_page_style[i]; i++) {
        cr_assert_lt(strlen(sheet) + strlen(assay_page_style[i]), sizeof sheet);
        strcat(sheet, assay_page_style[i]);
    }
}

/* The custom properties of the k-th ":root{…}". */
static struct theme theme(unsigned k)
{
    struct theme t = {.n = 0};
    const char  *at = sheet;
    for (unsigned i = 0; i <= k; i++)
        cr_assert((at = strstr(at, ":root{")) && (at += 6));
    while (strncmp(at, "--", 2) == 0 && t.n < MAX_NAMES) {
        int used = 0;
        cr_assert_eq(sscanf(at, "--%15[a-z0-9]:#%6x;%n", t.name[t.n], &t.rgb[t.n], &used), 2, "%.30s", at);
        cr_assert_gt(used, 0);
        at += used;
        t.n++;
    }
    return t;
}

static bool knows(const struct theme *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->name[i], name) == 0)
            return true;
    return false;
}

/* Relative luminance (WCAG 2.2) of a colour of the theme. */
static double luminance(const struct theme *t, const char *name)
{
    static const double weight[] = {0.2126, 0.7152, 0.0722};
    double              sum = 0;
    for (size_t i = 0; i < t->n; i++)
        for (int k = 0; strcmp(t->name[i], name) == 0 && k < 3; k++) {
            double c = (t->rgb[i] >> (16 - 8 * k) & 255u) / 255.0;
            sum += weight[k] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
        }
    return sum;
}

static double contrast(const struct theme *t, const char *a, const char *b)
{
    double x = luminance(t, a), y = luminance(t, b);
    return (fmax(x, y) + 0.05) / (fmin(x, y) + 0.05);
}

/* Takes the value of `property:var(--NAME)` out of a rule's declarations; false when it has none. */
static bool declared(const char *rule, size_t bytes, const char *property, char name[16])
{
    char what[48];
    int  length = snprintf(what, sizeof what, "%s:var(--", property);
    for (const char *at = rule; (at = strstr(at, what)) && at < rule + bytes; at++)
        if ((at == rule || at[-1] == ';' || at[-1] == '{') && sscanf(at + length, "%15[a-z0-9]", name) == 1)
            return true;
    return false;
}

Test(style, contrast_of_known_pairs_is_what_the_guidelines_say)
{
    const struct theme t = {.n = 4, .name = {"white", "black", "grey", "red"}, .rgb = {0xffffff, 0x000000, 0x767676, 0xff0000}};
    cr_expect(fabs(contrast(&t, "white", "black") - 21) < 1e-9);
    cr_expect(fabs(contrast(&t, "grey", "white") - 4.54) < 0.005);
    cr_expect(fabs(contrast(&t, "white", "red") - 3.998) < 0.001);
}

Test(style, text_has_a_contrast_of_at_least_4_5_in_both_themes)
{
    size_t rules = 0;
    read_sheet();
    for (unsigned k = 0; k < 2; k++) {
        struct theme t = theme(k);
        for (const char *at = sheet; (at = strchr(at, '{')); at++) {
            size_t bytes = strcspn(at, "}");
            char   text[16], ground[16];
            if (!declared(at, bytes, "color", text))
                continue;
            rules++;
            if (declared(at, bytes, "background", ground)) {
                cr_expect_geq(contrast(&t, text, ground), 4.5, "theme %u: %s on %s", k, text, ground);
                continue;
            }
            cr_expect_geq(contrast(&t, text, "bg"), 4.5, "theme %u: %s on the page, %.40s", k, text, at);
            cr_expect_geq(contrast(&t, text, "soft"), 4.5, "theme %u: %s on a row that stands out, %.40s", k, text, at);
        }
        /* Keys of series and marks of plots; what stands in the box of cautions. */
        for (unsigned s = 1; s <= ASSAY_PLOT_MAX_SERIES; s++) {
            char name[16];
            (void)snprintf(name, sizeof name, "s%u", s);
            cr_expect_geq(contrast(&t, name, "bg"), 4.5, "theme %u: %s", k, name);
        }
        cr_expect_geq(contrast(&t, "text", "warnbg"), 4.5);
        cr_expect_geq(contrast(&t, "link", "warnbg"), 4.5);
    }
    cr_expect_gt(rules, 40u, "the sheet was read");
}

Test(style, every_colour_is_one_of_the_theme_and_both_themes_have_all)
{
    read_sheet();
    struct theme light = theme(0), dark = theme(1);
    cr_expect_eq(light.n, dark.n);
    for (size_t i = 0; i < light.n; i++)
        cr_expect(knows(&dark, light.name[i]), "--%s is missing in the dark", light.name[i]);
    for (const char *at = sheet; (at = strstr(at, "var(--")); at++) {
        char name[16] = "";
        cr_assert_eq(sscanf(at, "var(--%15[a-z0-9])", name), 1);
        cr_expect(knows(&light, name), "--%s has no value", name);
    }
    for (const char *at = strstr(strstr(sheet, ":root{") + 1, "}}"); (at = strchr(at + 1, '#'));) /* behind both themes: only ids */
        cr_expect(isalpha((unsigned char)at[1]) && strspn(at + 1, "0123456789abcdefABCDEF") < 3, "a colour of its own: %.20s", at);
}

Test(style, braces_balance_so_that_no_rule_is_lost)
{
    int depth = 0;
    read_sheet();
    for (const char *at = sheet; *at; at++) {
        depth += (*at == '{') - (*at == '}');
        cr_expect(depth >= 0 && depth <= 2);
    }
    cr_expect_eq(depth, 0);
    cr_expect(!strstr(sheet, "</") && !strstr(sheet, "url(") && !strstr(sheet, "@import"));
}

Test(style, prose_in_tables_of_a_phone_has_room)
{
    read_sheet();
    const char *all = strstr(sheet, ".scroll td:not(.num){min-width:"), *prose = strstr(sheet, ".scroll td.why{min-width:14rem}");
    cr_assert(all && prose);
    cr_expect(all < prose, "of two rules that weigh the same the later holds");
    cr_expect_geq(strtod(strchr(all, '{') + sizeof "{min-width:" - 1, NULL), 7, "'performance' is not broken");
}
