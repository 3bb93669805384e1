#include <criterion/criterion.h>
#include <string.h>

#include "reports/language.h"

/* Which of {0} to {9} a message has, as bits. */
static unsigned arguments_of(const char *text)
{
    unsigned bits = 0;
    for (; *text; text++)
        if (text[0] == '{' && text[1] >= '0' && text[1] <= '9' && (text[2] == '}' || text[2] == '|' || text[2] == '#'))
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

/* Punctuation, or a tag: nothing to translate. */
static bool is_bare(const char *zh)
{
    static const char bare[][8] = {"zh-CN", "。", "，", "；", "：", "、", "（", "）", "：{0}"};
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++)
        if (!strcmp(bare[i], zh))
            return true;
    return false;
}

static bool is_han(const unsigned char *at)
{
    return at[0] >= 0xe4 && at[0] <= 0xe9;
}

/* Half-width punctuation beside a Chinese character, or NULL. */
static const char *half_width(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (strchr(",:;()", *at) && ((at >= (const unsigned char *)text + 3 && is_han(at - 3)) || is_han(at + 1)))
            return (const char *)at;
    return NULL;
}

Test(language, chinese_has_full_width_punctuation)
{
    cr_expect(half_width("要求,") && half_width("(要求") && !half_width("要求，T(1+g)"));
    for (int i = 0; i < ASSAY_SAY_COUNT; i++)
        cr_expect(!half_width(assay_say(ASSAY_CHINESE, (enum assay_say)i)), "%s", assay_say(ASSAY_CHINESE, (enum assay_say)i));
    for (size_t i = 0; i < assay_told_count(); i++)
        cr_expect(!half_width(assay_told(ASSAY_CHINESE, i)), "%s", assay_told(ASSAY_CHINESE, i));
}

Test(language, a_reason_of_a_record_is_told_in_the_language_or_quoted)
{
    static const struct {
        char english[100], chinese[120];
    } rows[] = {
        {"too few: 4 effective of 16 samples, 99 % needs 368", "样本过少：16 个样本中有效样本 4 个，99 % 分位需要 368 个"},
        {"too few: 4 effective of 16 samples, 99 % needs 368!", "样本过少：16 个样本中有效样本 4 个，99 % 分位需要 368! 个"},
        {"too few", "原始记录（英文）：“too few”"},
        {"computes no values", "不计算数值"},
        {"the device computes no values: there is nothing to judge", "该设备不计算数值：没有可供验证的输出"},
        {"no input set was observed twice", "没有任何一组输入被观察过两次"},
        {"7 of 8 input sets were left out, beyond the judge's budget", "8 组输入中有 7 组超出验证预算，未予验证"},
        {"bits differ from run to run: 42 iterations equal no judged one", "各次执行的输出位不同：有 42 次迭代与任何受检迭代均不相同"},
        {"threads were taken off their core 3432 times a second", "线程每秒被移出所在处理器核 3432 次"},
        {"computes no values.", "原始记录（英文）：“computes no values.”"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char              room[300];
        struct assay_text text = ASSAY_TEXT(room);
        assay_say_told(&text, ASSAY_CHINESE, rows[i].english);
        cr_expect_str_eq(room, rows[i].chinese);
        text = ASSAY_TEXT(room);
        assay_say_told(&text, ASSAY_ENGLISH, rows[i].english);
        cr_expect_str_eq(room, rows[i].english);
    }
    for (size_t i = 0; i < assay_told_count(); i++) {
        const char *en = assay_told(ASSAY_ENGLISH, i), *zh = assay_told(ASSAY_CHINESE, i);
        cr_expect((has_chinese(zh) || is_bare(zh)) && !has_chinese(en), "%s", en);
        cr_expect_eq(arguments_of(en), arguments_of(zh), "%s / %s", en, zh);
    }
}

/* `pattern` with 71, 72, … in its holes: what is one for text is one for a number as well. */
static void fill_with_numbers(const char *pattern, char *out, size_t bytes)
{
    struct assay_text text = assay_text_over(out, bytes);
    for (const char *at = pattern; *at; at++)
        if (*at == '{')
            assay_text_add(&text, "%d", 71 + at[1] - '0'), at = strchr(at, '}');
        else
            assay_text_add(&text, "%c", *at);
}

Test(language, every_row_is_reached_by_what_it_is_for)
{
    for (size_t i = 0; i < assay_told_count(); i++) {
        char              english[2000], chinese[2000], said[2000];
        struct assay_text text = ASSAY_TEXT(said);
        fill_with_numbers(assay_told(ASSAY_ENGLISH, i), english, sizeof english);
        fill_with_numbers(assay_told(ASSAY_CHINESE, i), chinese, sizeof chinese);
        assay_say_told(&text, ASSAY_CHINESE, english);
        cr_expect_str_eq(said, chinese, "an earlier row takes '%s'", english);
    }
}

Test(language, numbers_have_their_grammar)
{
    static const char counts[][4] = {"0", "1", "2", "11"};
    static const char said[][40] = {"only 0 launches count", "only 1 launch counts", "only 2 launches count", "only 11 launches count"};
    for (size_t i = 0; i < 4; i++) {
        char              room[100];
        struct assay_text text = ASSAY_TEXT(room);
        assay_say_with(&text, ASSAY_ENGLISH, ASSAY_SAY_WHY_FEW_LAUNCHES, (const char *const[]){"", "", counts[i], NULL});
        cr_expect_str_eq(room, said[i]);
    }
    char              room[200];
    struct assay_text text = ASSAY_TEXT(room);
    assay_say_with(&text, ASSAY_ENGLISH, ASSAY_SAY_NEEDS, (const char *const[]){"1", "12", NULL});
    cr_expect_str_eq(room, "1 device in 12 racks");
}

Test(language, no_message_is_missing_in_any_language)
{
    for (int i = 0; i < ASSAY_SAY_COUNT; i++) {
        const char *en = assay_say(ASSAY_ENGLISH, (enum assay_say)i), *zh = assay_say(ASSAY_CHINESE, (enum assay_say)i);
        cr_assert(en && *en && zh && *zh, "message %d", i);
        cr_expect(!has_chinese(en), "%s", en);
        cr_expect(has_chinese(zh) || is_bare(zh), "not translated: %s", zh);
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
        for (size_t k = 0; k < assay_told_count() && !i; k++)
            for (size_t f = 0; f < sizeof zh / sizeof *zh; f++)
                cr_expect(!strstr(assay_told(ASSAY_CHINESE, k), zh[f]), "%s", assay_told(ASSAY_CHINESE, k));
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
        {ASSAY_SAY_QUALIFIED, "合格（符合采购要求）"},
        {ASSAY_SAY_NOT_QUALIFIED, "不合格"},
        {ASSAY_SAY_INSUFFICIENT, "证据不足，不予判定"},
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

Test(language, of_a_text_is_chinese_where_it_has_a_chinese_character)
{
    static const struct {
        char text[40], language[3];
    } rows[] = {{"", "en"},       {"★ 1.1 µs – “x”", "en"}, {"１、。（）", "en"}, {"The 招标", "zh"},     {"㐀", "zh"},
                {"鿿", "zh"},     {"豈", "zh"},             {"𠀀", "zh"},         {"가 ア Ж", "en"}, {"\xe4", "en"},
                {"\xe3", "en"}, {"\xf0", "en"},           {"\xef", "en"},       {"🙂", "en"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_str_eq(assay_language_of(rows[i].text), rows[i].language, "row %zu", i);
}

Test(language, arguments_are_put_in_once_and_are_not_read_again)
{
    char              room[400];
    struct assay_text text = ASSAY_TEXT(room);
    assay_say_with(&text, ASSAY_ENGLISH, ASSAY_SAY_DECISION_NOT_QUALIFIED, (const char *const[]){"{1}{2}%s", "1", "2", "99", NULL});
    cr_expect_str_eq(room, "{1}{2}%s: not qualified. Mandatory rules failed: 1 of 2, figures at 99 % confidence.");
    text = ASSAY_TEXT(room);
    assay_say_with(&text, ASSAY_ENGLISH, ASSAY_SAY_SETTLED_BY, (const char *const[]){NULL});
    cr_expect_str_eq(room, "Settled by: {0}.");
}
