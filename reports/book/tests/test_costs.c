#include <criterion/criterion.h>

#include "harness/judge/ownership.h"
#include "harness/judge/tests/candidates.h"
#include "reports/book/tables.h"
#include "reports/book/tests/formula.h"

#define HOURS "[70,60,50,40,40,50,80,120,200,300,333,310,290,280,270,260,250,260,240,220,180,140,110,90]"
#define COSTS(growth)                                                                                                                              \
    "\"demand\":{\"unit\":\"token\",\"per_s_by_hour\":" HOURS ",\"growth_per_year\":" growth ",\"spares_share\":0.07},"                             \
    "\"costs\":{\"currency\":\"CNY\",\"tax_included\":false,\"tax_rate\":0.13,\"includes\":\"all\",\"prices_valid_until\":\"2027-01-01\","           \
    "\"host_price\":[180000,220000.55,300000],\"devices_per_host\":8,\"hosts_per_rack\":4,\"host_power_watts\":[800,1000,1400],"                    \
    "\"network_price_per_host\":[40000,60000,100000],\"power_price_per_kwh\":[0.45,0.62,0.85],\"pue\":[1.15,1.25,1.4],\"years\":[4,5,6],"           \
    "\"staff_per_year\":[300000,400000,600000],\"load_share\":[0.5,0.6,0.8],\"training_run_items\":3.3e10},"
#define OFFERS                                                                                                                                     \
    "\"offers\":[{\"device\":\"a\",\"price\":[61000,72500.99,80000],\"power_watts\":[300,350,400],\"at_promise_per_s\":[7,8,9],"                     \
    "\"at_promise_source\":\"=cmd|x\"},{\"device\":\"b\",\"price\":100000,\"power_watts\":700,\"at_promise_per_s\":[11,12,13],"                      \
    "\"at_promise_source\":\"test\"},{\"device\":\"c\",\"price\":1,\"power_watts\":1,\"at_promise_per_s\":1,\"at_promise_source\":\"test\"}],"

/* Columns of a candidate's line, as formulas name them: K to T. */
enum { DEVICES = 10, HOSTS, RACKS, KILOWATTS, COST_LOW, COST_MIDDLE, COST_HIGH, PER_MILLION, PER_RUN, PER_WATT };

struct world {
    struct scratch             s;
    struct assay_policy        policy;
    struct assay_candidate     candidates[3];
    struct assay_qualification q;
    struct assay_book          book;
};

static void world_begin(struct world *w, const char *text)
{
    struct assay_error err;
    memset(w, 0, sizeof *w);
    w->s = scratch_new();
    cr_assert_eq(policy_of(&w->s, text, &w->policy, &err), ASSAY_OK, "%s %s", err.message, err.hint);
    for (size_t i = 0; i < 3; i++) {
        struct assay_candidate *c = &w->candidates[i];
        *c = (struct assay_candidate){.offer = &w->policy.offers[i], .division = ASSAY_DIVISION_CLOSED, .measured = i == 0,
                                      .evidence = i ? ASSAY_EVIDENCE_MODELLED : ASSAY_EVIDENCE_MEASURED, .grade = i ? "C" : ""};
        (void)snprintf(c->name, sizeof c->name, "%s", i == 0 ? "=HYPERLINK(\"http://x\")" : i == 1 ? "b" : "c");
    }
    w->q = (struct assay_qualification){.policy = &w->policy, .candidates = w->candidates, .n = 3};
    assay_book_costs(&w->book, ASSAY_ENGLISH, &w->q);
    cr_assert(!w->book.failed && w->book.n == 1);
}

static void world_release(struct world *w)
{
    assay_book_release(&w->book);
    assay_policy_release(&w->policy);
    scratch_remove(&w->s);
}

static unsigned line_of(const struct assay_sheet *sheet, const char *name)
{
    for (size_t i = 0; i < sheet->n; i++)
        if (sheet->cells[i].column == 0 && sheet->cells[i].kind == ASSAY_CELL_TEXT && !strcmp(sheet->cells[i].text, name))
            return sheet->cells[i].row;
    cr_assert(false, "no line '%s'", name);
    return 0;
}

/* Every formula of the candidate's line against what we compute: money to the cent. */
static void expect_equal(struct world *w, size_t i)
{
    const struct assay_sheet *sheet = &w->book.sheets[0];
    struct assay_ownership    o = assay_ownership_of(&w->policy, w->candidates[i].offer);
    const double wanted[] = {o.devices, o.hosts, o.racks, o.kilowatts.middle, o.low, o.middle, o.high, o.per_million.middle, o.per_run.middle, o.per_watt.middle};
    unsigned     row = line_of(sheet, w->candidates[i].name);
    for (unsigned k = DEVICES; k <= PER_WATT; k++) {
        const struct assay_cell *c = formula_cell(sheet, row, k);
        bool                     broken = false;
        if (o.systems > 0 && (k == HOSTS || k == RACKS)) {
            cr_expect(c && c->kind == ASSAY_CELL_NUMBER && c->value == 0, "a system's hosts and racks are its own");
            continue;
        }
        cr_assert(c && c->kind == ASSAY_CELL_FORMULA, "%u", k);
        double found = formula_of(sheet, c->text, 0, &broken);
        cr_expect(!broken, "%s", c->text);
        double cent = k >= COST_LOW && k <= PER_RUN ? 0.005 : 1e-9;
        cr_expect(fabs(found - wanted[k - DEVICES]) <= cent, "column %c: %.6f, ours %.6f", 'A' + (int)k, found, wanted[k - DEVICES]);
    }
}

Test(costs, formulas_give_what_we_compute_to_the_cent)
{
    static const char texts[][2400] = {
        POLICY(COSTS("0.12") OFFERS, RULE("a", "mandatory", FIGURE)), POLICY(COSTS("0") OFFERS, RULE("a", "mandatory", FIGURE)),
        POLICY(COSTS("-0.2") OFFERS, RULE("a", "mandatory", FIGURE))};
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        struct world w;
        world_begin(&w, texts[t]);
        for (size_t i = 0; i < 3; i++)
            expect_equal(&w, i);
        world_release(&w);
    }
}

/* Hosts and network are the system's, and its power is drawn from the grid. */
Test(costs, formulas_of_a_system_are_those_that_we_compute_it_by)
{
    struct world       w;
    struct assay_offer system;
    world_begin(&w, POLICY(COSTS("0.12") OFFERS, RULE("a", "mandatory", FIGURE)));
    double alone = assay_ownership_of(&w.policy, w.candidates[1].offer).middle;
    system = *w.candidates[1].offer;
    system.system_devices = 64;
    system.power_has_facility = true;
    w.candidates[1].offer = &system;
    assay_book_release(&w.book);
    w.book = (struct assay_book){.n = 0};
    assay_book_costs(&w.book, ASSAY_ENGLISH, &w.q);
    for (size_t i = 0; i < 3; i++)
        expect_equal(&w, i);
    cr_expect_lt(assay_ownership_of(&w.policy, &system).middle, alone, "no host of the buyer, and no facility twice");
    world_release(&w);
}

Test(costs, every_price_stands_beside_who_says_so_or_the_question)
{
    struct world w;
    world_begin(&w, POLICY(COSTS("0.12") OFFERS, RULE("a", "mandatory", FIGURE)));
    struct assay_offer asked = *w.candidates[0].offer, told = *w.candidates[1].offer;
    asked.price = (struct assay_range){0, 0, 0};
    asked.price_question = "what it costs";
    told.price_source = "The Paper, 2026-01-02";
    w.candidates[0].offer = &asked;
    w.candidates[1].offer = &told;
    assay_book_prices(&w.book, ASSAY_ENGLISH, &w.q);
    const struct assay_sheet *sheet = &w.book.sheets[1];
    unsigned rows[3] = {line_of(sheet, w.candidates[0].name), line_of(sheet, "b"), line_of(sheet, "c")};
    static const char said[3][60] = {"not given; to be asked: what it costs", "The Paper, 2026-01-02", "the buyer's, in the policy"};
    for (size_t k = 0; k < 3; k++) {
        const struct assay_cell *c = formula_cell(sheet, rows[k], 5);
        cr_assert(c && c->kind == ASSAY_CELL_TEXT);
        cr_expect_str_eq(c->text, said[k]);
    }
    cr_expect_eq(formula_cell(sheet, rows[1], 1)->value, told.price.low);
    world_release(&w);
}

/* Field number `column` of a line of a table as ssconvert writes it; quotes only around texts. */
static double field(const char *line, unsigned column)
{
    bool quoted = false;
    for (; column; line++) {
        quoted = *line == '"' ? !quoted : quoted;
        column -= *line == ',' && !quoted;
    }
    return strtod(line, NULL);
}

/* By a spreadsheet that is not ours, from a file whose stored values are all wrong. */
Test(costs, another_program_computes_the_same_from_the_file, .timeout = 60)
{
    struct world       w;
    struct assay_error err = {0};
    char               command[300], line[4000];
    size_t             seen = 0;
    if (system("command -v ssconvert >/dev/null") != 0 || !strcmp(assay_book_library(), "none"))
        cr_skip_test("there is no ssconvert (package gnumeric) to recalculate with, or no libxlsxwriter");
    world_begin(&w, POLICY(COSTS("0.12") OFFERS, RULE("a", "mandatory", FIGURE)));
    for (size_t i = 0; i < w.book.sheets[0].n; i++)
        if (w.book.sheets[0].cells[i].kind == ASSAY_CELL_FORMULA) {
            w.book.sheets[0].cells[i].value = -1;
            w.book.sheets[0].cells[i].style = ASSAY_CELL_PLAIN; /* all digits */
        }
    cr_assert_eq(assay_book_write(&w.book, in(&w.s, "x.xlsx"), &err), ASSAY_OK, "%s", err.message);
    (void)snprintf(command, sizeof command, "cd %s && HOME=. ssconvert --recalc x.xlsx x.csv >log 2>&1", w.s.path);
    cr_assert_eq(system(command), 0);
    FILE *table = fopen(in(&w.s, "x.csv"), "r");
    cr_assert(table);
    while (fgets(line, sizeof line, table)) {
        size_t i = !strncmp(line, "b,", 2) ? 1 : !strncmp(line, "c,", 2) ? 2 : !strncmp(line, "\"=HYPERLINK", 11) ? 0 : 3;
        if (i == 3)
            continue;
        struct assay_ownership o = assay_ownership_of(&w.policy, w.candidates[i].offer);
        const double wanted[] = {o.devices, o.hosts, o.racks, o.kilowatts.middle, o.low, o.middle, o.high, o.per_million.middle, o.per_run.middle, o.per_watt.middle};
        for (unsigned k = DEVICES; k <= PER_WATT; k++)
            cr_expect(fabs(field(line, k) - wanted[k - DEVICES]) <= 0.005, "column %c: %s: %.6f, ours %.6f", 'A' + (int)k, line, field(line, k),
                      wanted[k - DEVICES]);
        seen++;
    }
    (void)fclose(table);
    cr_expect_eq(seen, 3u);
    world_release(&w);
}

/* The stored value is that of the formula, for readers that do not recalculate. */
Test(costs, every_formula_stands_with_its_value)
{
    struct world w;
    size_t       n = 0;
    world_begin(&w, POLICY(COSTS("0.12") OFFERS, RULE("a", "mandatory", FIGURE)));
    const struct assay_sheet *sheet = &w.book.sheets[0];
    for (size_t i = 0; i < sheet->n; i++) {
        bool broken = false;
        if (sheet->cells[i].kind != ASSAY_CELL_FORMULA)
            continue;
        double value = formula_of(sheet, sheet->cells[i].text, 0, &broken);
        cr_expect(!broken && fabs(value - sheet->cells[i].value) <= 1e-9 * fabs(value), "%s", sheet->cells[i].text);
        n++;
    }
    cr_expect_eq(n, 2u + 3u * 10u);
    world_release(&w);
}

/* Whoever changes an input gets what we would compute from it. */
Test(costs, formulas_follow_their_inputs)
{
    struct world w;
    world_begin(&w, POLICY(COSTS("0.12") OFFERS, RULE("a", "mandatory", FIGURE)));
    struct assay_sheet *sheet = &w.book.sheets[0];
    const struct {
        const char *line;
        unsigned    column;
        double      value, *policy;
    } moves[] = {{"PUE", 2, 1.9, &w.policy.costs.pue.middle},
                 {"the price of a kWh", 3, 2.5, &w.policy.costs.power_price_per_kwh.high},
                 {"the number of years", 2, 7, &w.policy.costs.years.middle},
                 {"devices per host", 2, 4, &w.policy.costs.devices_per_host},
                 {"demand in hour 10", 2, 777, &w.policy.demand.per_s_by_hour[10]},
                 {"spare devices, share", 2, 0.31, &w.policy.demand.spares_share},
                 {"b", 3, 123456.78, &w.policy.offers[1].price.middle}};
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        struct assay_cell *c = (struct assay_cell *)formula_cell(sheet, line_of(sheet, moves[i].line), moves[i].column);
        cr_assert(c && c->kind == ASSAY_CELL_NUMBER && c->style == ASSAY_CELL_INPUT, "%s", moves[i].line);
        cr_assert(c->value == *moves[i].policy && c->value != moves[i].value, "%s", moves[i].line);
        c->value = *moves[i].policy = moves[i].value;
        for (size_t k = 0; k < 3; k++)
            expect_equal(&w, k);
    }
    world_release(&w);
}

Test(costs, names_that_look_like_formulas_are_texts_and_measured_stands_apart)
{
    struct world w;
    world_begin(&w, POLICY(COSTS("0.12") OFFERS, RULE("a", "mandatory", FIGURE)));
    const struct assay_sheet *sheet = &w.book.sheets[0];
    unsigned measured = line_of(sheet, "measured (closed division)"),
             below = line_of(sheet, "not measured: reference ranking only, may not qualify (closed division)");
    cr_expect(measured < line_of(sheet, "=HYPERLINK(\"http://x\")") && line_of(sheet, "=HYPERLINK(\"http://x\")") < below);
    cr_expect(below < line_of(sheet, "b") && below < line_of(sheet, "c"));
    for (size_t i = 0; i < sheet->n; i++)
        cr_expect(sheet->cells[i].kind != ASSAY_CELL_FORMULA || (!strstr(sheet->cells[i].text, "HYPERLINK") && !strstr(sheet->cells[i].text, "cmd")));
    world_release(&w);
}
