#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/load/serving/engine_description.h"

static struct assay_error              err;
static struct assay_engine_description d;

static enum assay_code read_text(const char *text)
{
    char path[] = "/tmp/test_engine.XXXXXX";
    int  fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(fd);
    enum assay_code code = assay_engine_description_read(path, &d, &err);
    (void)unlink(path);
    return code;
}

#define N(key, value) "\"" key "\": {\"ns\": " value ", \"provenance\": \"measured\", \"source\": \"here\"}"
#define REST N("request_ns", "2") "," N("layer_ns", "3") "," N("admission_ns", "4") "," N("token_ns", "5") "," N("completion_ns", "6")
#define HEAD "{\"format\": \"assay-engine/1\", \"name\": \"x\", \"about\": \"y\", \"graphs\": true,"
#define GOOD HEAD N("step_ns", "1.6") "," REST "}"

Test(engine_description, is_read_with_all_its_numbers)
{
    cr_assert(!read_text(GOOD), "%s", err.message);
    cr_expect_str_eq(d.name, "x");
    cr_expect(d.graphs);
    for (enum assay_engine_cost i = 1; i < ASSAY_ENGINE_COSTS; i++)
        cr_expect_eq(assay_engine_cost_ns(&d, i), i + 1);
    cr_expect_eq(assay_engine_cost_ns(&d, ASSAY_ENGINE_STEP), 2, "rounded");
    cr_expect_str_eq(d.cost[0].provenance, "measured");
    cr_expect_str_eq(d.cost[0].source, "here");
    cr_expect(d.cost[0].low_ns == 1.6 && d.cost[0].high_ns == 1.6);
}

Test(engine_description, that_lacks_or_garbles_something_is_refused_with_the_key)
{
    static const struct { char text[1200], says[40]; } wrong[] = {
        {HEAD REST "}", "step_ns"},
        {HEAD N("step_ns", "-1") "," REST "}", "ns"},
        {HEAD N("step_ns", "1e13") "," REST "}", "ns"},
        {HEAD N("step_ns", "\"1\"") "," REST "}", "ns"},
        {HEAD N("step_ns", "1") "," N("steps_ns", "1") "," REST "}", "steps_ns"},
        {HEAD "\"step_ns\": 5," REST "}", "step_ns"},
        {HEAD "\"step_ns\": {\"ns\": 1, \"provenance\": \"measured\", \"source\": \"\"}," REST "}", "source"},
        {HEAD "\"step_ns\": {\"ns\": 1, \"provenance\": \"measured\"}," REST "}", "source"},
        {HEAD "\"step_ns\": {\"ns\": 1, \"source\": \"a\"}," REST "}", "provenance"},
        {HEAD "\"step_ns\": {\"ns\": 1, \"provenance\": \"mesured\", \"source\": \"a\"}," REST "}", "mesured"},
        {HEAD "\"step_ns\": {\"ns\": 5, \"low_ns\": 6, \"provenance\": \"measured\", \"source\": \"a\"}," REST "}", "low_ns"},
        {HEAD "\"step_ns\": {\"ns\": 5, \"high_ns\": 4, \"provenance\": \"measured\", \"source\": \"a\"}," REST "}", "high_ns"},
        {"{\"format\": \"assay-engine/2\"}", "assay-engine/1"},
        {"{\"format\": \"assay-engine/1\", \"name\": \"\", \"about\": \"y\", \"graphs\": true," N("step_ns", "1") "," REST "}", "name"},
        {"{\"format\": \"assay-engine/1\", \"name\": \"x\", \"about\": \"y\", \"graphs\": 1," N("step_ns", "1") "," REST "}", "graphs"},
        {"", ""}, {"[]", ""}, {"{", ""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_neq(read_text(wrong[i].text), ASSAY_OK, "%s", wrong[i].text);
        cr_expect(strstr(err.message, wrong[i].says), "%s is said of %s", err.message, wrong[i].text);
    }
    (void)read_text(HEAD "\"step_ns\": {\"ns\": 1, \"provenance\": \"mesured\", \"source\": \"a\"}," REST "}");
    cr_expect_str_eq(err.hint, "did you mean 'measured'?");
}

Test(engine_description, of_the_installation_are_all_well_and_known_by_their_names)
{
    cr_assert_eq(setenv("ASSAY_DATA", ".", 1), 0);
    static const char names[][32] = {"ideal", "vllm-class", "vllm-class-eager"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cr_assert(!assay_engine_description_find(names[i], &d, &err), "%s", err.message);
        cr_expect_str_eq(d.name, names[i]);
    }
    cr_expect_eq(assay_engine_description_find("vlm-class", &d, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.hint, "did you mean 'vllm-class'?");
    cr_expect_eq(assay_engine_description_find("../models/tiny-dense", &d, &err), ASSAY_CONFIG);
}
