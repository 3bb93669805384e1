#include <criterion/criterion.h>
#include <string.h>

#include "reports/language.h"

/* Which of {0} to {9} a message has, as bits. */
static unsigned arguments_of(const char *text)
{
    unsigned bits = 0;
    for (; *text; text++)
        if (text[0] == '{' && text[1] >= '0' && text[1] <= '9' && text[2] == '}')
            bits |= 1u << (text[1] - '0');
    return bits;
}

static bool has_chinese(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0xe4 && (unsigned char)*text <= 0xe9)
            return true;
    return false;
}

Test(language, no_message_is_missing_in_any_language)
{
    for (int i = 0; i < ASSAY_SAY_COUNT; i++) {
        const char *en = assay_say(ASSAY_ENGLISH, (enum assay_say)i), *zh = assay_say(ASSAY_CHINESE, (enum assay_say)i);
        cr_assert(en && *en && zh && *zh, "message %d", i);
        cr_expect(!has_chinese(en), "%s", en);
        cr_expect(has_chinese(zh) || i == ASSAY_SAY_LANGUAGE_TAG || i == ASSAY_SAY_FULL_STOP, "not translated: %s", zh);
        cr_expect_eq(arguments_of(en), arguments_of(zh), "%s / %s", en, zh);
    }
}

Test(language, no_forbidden_term_stands_in_the_catalogue)
{
    /* simulated for modelled, guaranteed, optimal, first, distrusted */
    static const char zh[][16] = {"模拟", "保证", "最优", "第一", "不信任"},
                      en[][16] = {"guarantee", "optimal", "the best", "proven safe"};
    for (int i = 0; i < ASSAY_SAY_COUNT; i++) {
        for (size_t k = 0; k < sizeof zh / sizeof *zh; k++)
            cr_expect(!strstr(assay_say(ASSAY_CHINESE, (enum assay_say)i), zh[k]), "%s",
                      assay_say(ASSAY_CHINESE, (enum assay_say)i));
        for (size_t k = 0; k < sizeof en / sizeof *en; k++)
            cr_expect(!strstr(assay_say(ASSAY_ENGLISH, (enum assay_say)i), en[k]), "%s",
                      assay_say(ASSAY_ENGLISH, (enum assay_say)i));
        cr_expect(!strstr(assay_say(ASSAY_ENGLISH, (enum assay_say)i), "MLPerf") ==
                  !strstr(assay_say(ASSAY_CHINESE, (enum assay_say)i), "MLPerf"));
    }
}

Test(language, the_terms_are_those_of_the_glossary)
{
    static const struct {
        enum assay_say say;
        char           zh[40];
    } rows[] = {
        {ASSAY_SAY_QUALIFIED, "合格(符合采购要求)"},
        {ASSAY_SAY_NOT_QUALIFIED, "不合格"},
        {ASSAY_SAY_INSUFFICIENT, "证据不足,不予判定"},
        {ASSAY_SAY_UNDECIDED, "无法判定"},
        {ASSAY_SAY_RULE, "判定规则"},
        {ASSAY_SAY_CONFIDENCE, "置信区间"},
        {ASSAY_SAY_PREDICTION, "预测区间"},
        {ASSAY_SAY_COST_COLUMN, "总拥有成本"},
        {ASSAY_SAY_DIVISION_CLOSED, "封闭模式"},
        {ASSAY_SAY_DIVISION_OPEN, "开放模式"},
        {ASSAY_SAY_MANDATORY, "实质性条款"},
        {ASSAY_SAY_REPEAT, "复现命令"},
        {ASSAY_SAY_CHECKLIST, "自主可控"},
        {ASSAY_SAY_EVIDENCE_MODELLED, "模型推算"},
        {ASSAY_SAY_EVIDENCE_SIMULATED, "仿真"},
        {ASSAY_SAY_ANNOUNCED_BELOW, "尚不可采购"},
        {ASSAY_SAY_MODELLED_BELOW, "参考排序"},
        {ASSAY_SAY_RULES, "技术偏离表"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(strstr(assay_say(ASSAY_CHINESE, rows[i].say), rows[i].zh), "%s", assay_say(ASSAY_CHINESE, rows[i].say));
}

Test(language, arguments_are_put_in_once_and_are_not_read_again)
{
    char              room[400];
    struct assay_text text = ASSAY_TEXT(room);
    assay_say_with(&text, ASSAY_ENGLISH, ASSAY_SAY_DECISION_NOT_QUALIFIED, (const char *const[]){"{1}{2}%s", "1", "2", NULL});
    cr_expect_str_eq(room, "{1}{2}%s: not qualified. Mandatory rules failed: 1 of 2.");
    text = ASSAY_TEXT(room);
    assay_say_with(&text, ASSAY_ENGLISH, ASSAY_SAY_SETTLED_BY, (const char *const[]){NULL});
    cr_expect_str_eq(room, "Settled by: {0}.");
}
