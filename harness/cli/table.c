#include "harness/cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

void assay_table_init(struct assay_table *t, const char *const *titles)
{
    memset(t, 0, sizeof *t);
    while (titles[t->n_columns] && t->n_columns < ASSAY_TABLE_MAX_COLUMNS) {
        t->title[t->n_columns] = titles[t->n_columns];
        t->n_columns++;
    }
}

void assay_table_row(struct assay_table *t, const char *const *cells)
{
    if (t->n_rows == t->capacity) {
        size_t more = t->capacity ? 2 * t->capacity : 32;
        char **cell = realloc(t->cell, more * t->n_columns * sizeof *cell);
        if (!cell)
            return;
        t->cell = cell;
        t->capacity = more;
    }
    for (size_t i = 0; i < t->n_columns; i++)
        t->cell[t->n_rows * t->n_columns + i] = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, cells[i]);
    t->n_rows++;
}

/* Columns on the screen: characters, not bytes (the texts have no wide characters). */
static size_t width_of(const char *text)
{
    size_t n = 0;
    for (const char *p = text; *p; p++)
        n += ((unsigned char)*p & 0xC0) != 0x80;
    return n;
}

static void print_cell(FILE *out, const char *text, size_t width, bool right, bool last)
{
    size_t blanks = width - width_of(text);
    if (right)
        fprintf(out, "%*s%s", (int)blanks, "", text);
    else
        fprintf(out, "%s%*s", text, last ? 0 : (int)blanks, "");
    fputs(last ? "\n" : "  ", out);
}

void assay_table_print(const struct assay_table *t, FILE *out)
{
    size_t width[ASSAY_TABLE_MAX_COLUMNS];
    bool   right[ASSAY_TABLE_MAX_COLUMNS];
    for (size_t i = 0; i < t->n_columns; i++) {
        right[i] = t->title[i][0] == '>';
        width[i] = width_of(t->title[i] + right[i]);
        for (size_t r = 0; r < t->n_rows; r++) {
            const char *cell = t->cell[r * t->n_columns + i];
            size_t      w = cell ? width_of(cell) : 0;
            width[i] = w > width[i] ? w : width[i];
        }
    }
    for (size_t i = 0; i < t->n_columns; i++)
        print_cell(out, t->title[i] + right[i], width[i], right[i], i + 1 == t->n_columns);
    for (size_t r = 0; r < t->n_rows; r++)
        for (size_t i = 0; i < t->n_columns; i++) {
            const char *cell = t->cell[r * t->n_columns + i];
            print_cell(out, cell ? cell : "", width[i], right[i], i + 1 == t->n_columns);
        }
}

void assay_table_release(struct assay_table *t)
{
    for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
        free(t->cell[i]);
    free(t->cell);
    t->cell = NULL;
    t->n_rows = t->capacity = 0;
}

void assay_table_digits(char out[48], uint64_t n)
{
    char              digits[24];
    struct assay_text text = assay_text_over(out, 48);
    (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (size_t i = 0, length = strlen(digits); i < length; i++)
        assay_text_add(&text, "%s%c", i && (length - i) % 3 == 0 ? "," : "", digits[i]);
}
