/* What a spreadsheet does with the formulas of a sheet: numbers, cells, + - * / ^, comparison, MAX AVERAGE ROUND ROUNDUP IF ABS LN. */
#ifndef ASSAY_REPORTS_BOOK_TESTS_FORMULA_H
#define ASSAY_REPORTS_BOOK_TESTS_FORMULA_H

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/book/book.h"

struct formula {
    const struct assay_sheet *sheet;
    const char               *at;
    int                       depth;
    bool                      broken;
};

static double formula_sum(struct formula *f);
static double formula_of(const struct assay_sheet *sheet, const char *text, int depth, bool *broken);

static const struct assay_cell *formula_cell(const struct assay_sheet *sheet, unsigned row, unsigned column)
{
    for (size_t i = 0; i < sheet->n; i++)
        if (sheet->cells[i].row == row && sheet->cells[i].column == column)
            return &sheet->cells[i];
    return NULL;
}

/* "$C$12" at *at. */
static bool formula_place(struct formula *f, unsigned *row, unsigned *column)
{
    const char *at = f->at + (*f->at == '$');
    if (!isupper((unsigned char)*at) || !(at[1] == '$' || isdigit((unsigned char)at[1])))
        return false;
    *column = (unsigned)(*at - 'A');
    at += 1 + (at[1] == '$');
    *row = (unsigned)strtoul(at, (char **)&f->at, 10) - 1;
    return true;
}

static double formula_value(struct formula *f, unsigned row, unsigned column)
{
    const struct assay_cell *c = formula_cell(f->sheet, row, column);
    if (!c || c->kind == ASSAY_CELL_TEXT || f->depth > 40) {
        f->broken = true;
        return NAN;
    }
    return c->kind == ASSAY_CELL_NUMBER ? c->value : formula_of(f->sheet, c->text, f->depth + 1, &f->broken);
}

static bool formula_takes(struct formula *f, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(f->at, word, n) != 0)
        return false;
    f->at += n;
    return true;
}

/* Arguments up to the bracket; a range gives every cell. */
static size_t formula_arguments(struct formula *f, double *out, size_t room)
{
    size_t n = 0;
    do {
        unsigned    row, column, to, end;
        const char *begin = f->at;
        if (formula_place(f, &row, &column) && *f->at == ':') {
            f->at++;
            (void)formula_place(f, &to, &end);
            for (; row <= to && n < room; row++)
                out[n++] = formula_value(f, row, column);
        } else {
            f->at = begin;
            out[n++] = formula_sum(f);
        }
    } while (n < room && formula_takes(f, ","));
    if (!formula_takes(f, ")"))
        f->broken = true;
    return n;
}

static double formula_function(struct formula *f)
{
    double a[64], result = 0;
    if (formula_takes(f, "MAX(")) {
        size_t n = formula_arguments(f, a, 64);
        for (size_t i = 0; i < n; i++)
            result = i ? fmax(result, a[i]) : a[i];
        return result;
    }
    if (formula_takes(f, "AVERAGE(")) {
        size_t n = formula_arguments(f, a, 64);
        for (size_t i = 0; i < n; i++)
            result += a[i] / (double)n;
        return result;
    }
    if (formula_takes(f, "ROUNDUP("))
        return formula_arguments(f, a, 64), ceil(a[0]); /* of what is not negative, to no digits */
    if (formula_takes(f, "ROUND("))
        return formula_arguments(f, a, 64), round(a[0] * pow(10, a[1])) / pow(10, a[1]);
    if (formula_takes(f, "IF("))
        return formula_arguments(f, a, 64), a[0] != 0 ? a[1] : a[2];
    if (formula_takes(f, "ABS("))
        return formula_arguments(f, a, 64), fabs(a[0]);
    if (formula_takes(f, "LN("))
        return formula_arguments(f, a, 64), log(a[0]);
    f->broken = true;
    return NAN;
}

static double formula_atom(struct formula *f)
{
    unsigned row, column;
    if (formula_takes(f, "(")) {
        double inner = formula_sum(f);
        f->broken = !formula_takes(f, ")") || f->broken;
        return inner;
    }
    if (isdigit((unsigned char)*f->at))
        return strtod(f->at, (char **)&f->at);
    return formula_place(f, &row, &column) ? formula_value(f, row, column) : formula_function(f);
}

static double formula_power(struct formula *f)
{
    double base = formula_atom(f);
    return formula_takes(f, "^") ? pow(base, formula_atom(f)) : base;
}

static double formula_product(struct formula *f)
{
    double result = formula_power(f);
    for (;;)
        if (formula_takes(f, "*"))
            result *= formula_power(f);
        else if (formula_takes(f, "/"))
            result /= formula_power(f);
        else
            return result;
}

static double formula_terms(struct formula *f)
{
    double result = formula_product(f);
    for (;;)
        if (formula_takes(f, "+"))
            result += formula_product(f);
        else if (formula_takes(f, "-"))
            result -= formula_product(f);
        else
            return result;
}

static double formula_sum(struct formula *f)
{
    double left = formula_terms(f);
    if (formula_takes(f, ">"))
        return left > formula_terms(f);
    if (formula_takes(f, "<"))
        return left < formula_terms(f);
    return left;
}

static double formula_of(const struct assay_sheet *sheet, const char *text, int depth, bool *broken)
{
    struct formula f = {.sheet = sheet, .at = text, .depth = depth};
    double         value = formula_sum(&f);
    *broken = *broken || f.broken || *f.at;
    return value;
}

#endif
