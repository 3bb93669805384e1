#include "harness/base/options.h"

#include <stdlib.h>
#include <string.h>

#include "assay/dtype.h"
#include "harness/base/option_text.h"
#include "harness/base/option_value.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

/* Bounds of SECONDS rows are in seconds, of BYTES rows in bytes. In names '-' and '_' are the same character: lists are
 * written with '_', the command line with '-'. A name of one letter is an option with one dash: "o" is -o. */

#define MAX_ROWS 128
#define VALUE_BYTES 4096

size_t assay_options_count(const struct assay_option *table)
{
    size_t n = 0;
    while (table[n].name)
        n++;
    return n;
}

/* ---- names ------------------------------------------------------------------------------------------------ */

static char same_dash(char c)
{
    return c == '-' ? '_' : c;
}

static int compare_names(const char *a, const char *b)
{
    while (*a && same_dash(*a) == same_dash(*b)) {
        a++;
        b++;
    }
    return (unsigned char)same_dash(*a) - (unsigned char)same_dash(*b);
}

static void write_name(const char *name, char dash, struct assay_text *out)
{
    for (; *name; name++)
        assay_text_add(out, "%c", *name == '-' || *name == '_' ? dash : *name);
}

static const struct assay_option *find(const struct assay_option *table, const char *name)
{
    for (const struct assay_option *row = table; row->name; row++)
        if (!compare_names(row->name, name))
            return row;
    return NULL;
}

/* What stands before a name in messages: nothing in lists; on the command line, what its length asks for. */
static const char *dashes_of(const char *spelled, const char *dashes) { return !*dashes ? "" : spelled[1] ? "--" : "-"; }

/* `dashes` is "" in lists, else what stood before the name on the command line. */
static enum assay_code refuse_name(const struct assay_option *table, const char *name, const char *dashes,
                                   struct assay_error *err)
{
    char              spelled[MAX_ROWS][48], known[160];
    const char       *names[MAX_ROWS] = {NULL}, *near;
    size_t            n = 0;
    struct assay_text text = ASSAY_TEXT(known);
    for (; n < MAX_ROWS && table[n].name; n++) {
        struct assay_text one = ASSAY_TEXT(spelled[n]);
        write_name(table[n].name, *dashes ? '-' : '_', &one);
        names[n] = spelled[n];
        assay_text_add(&text, "%s%s%s", n ? ", " : "", dashes_of(spelled[n], dashes), spelled[n]);
    }
    near = *name ? assay_string_nearest(name, names, n) : NULL;
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "unknown option '%s%.80s'", dashes, name);
    if (near)
        return assay_error_hint(err, "did you mean '%s%s'?", dashes_of(near, dashes), near);
    return n ? assay_error_hint(err, "known: %s%s", known, text.cut ? "…" : "") : assay_error_hint(err, "it takes no options");
}

/* Puts "owner: " before the message. */
static enum assay_code owned(const char *what, struct assay_error *err)
{
    char message[sizeof err->message];
    (void)assay_string_copy(message, sizeof message, err->message);
    struct assay_text text = ASSAY_TEXT(err->message);
    assay_text_add(&text, "%.80s: %s", what, message);
    return err->code;
}

/* ---- setting ---------------------------------------------------------------------------------------------- */

static size_t target_bytes(const struct assay_option *table)
{
    size_t bytes = 1;
    for (const struct assay_option *row = table; row->name; row++) {
        size_t end = row->offset + assay_option_value_bytes(row);
        bytes = end > bytes ? end : bytes;
    }
    return bytes;
}

/* Fields are set in a scratch copy first, so that a target is changed as a whole or not at all. */
static void copy_fields(const struct assay_option *table, void *to, const void *from)
{
    for (const struct assay_option *row = table; row->name; row++)
        memcpy((char *)to + row->offset, (const char *)from + row->offset, assay_option_value_bytes(row));
}

/* "" is a value for texts only; elsewhere it says that there is no default. */
static bool has_default(const struct assay_option *row)
{
    return row->dflt && (*row->dflt || row->type == ASSAY_OPT_TEXT || row->type == ASSAY_OPT_LIST);
}

static enum assay_code set_defaults(const struct assay_option *table, void *scratch, struct assay_error *err)
{
    for (const struct assay_option *row = table; row->name; row++)
        if (has_default(row) && assay_option_value_parse(row, scratch, row->dflt, err))
            return assay_error_in(err, "setting the default of option %s", row->name);
    return ASSAY_OK;
}

enum assay_code assay_options_defaults(const struct assay_option *table, void *target, struct assay_error *err)
{
    void *scratch = calloc(1, target_bytes(table));
    if (!scratch)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu bytes of options", target_bytes(table));
    enum assay_code code = set_defaults(table, scratch, err);
    if (!code)
        copy_fields(table, target, scratch);
    free(scratch);
    return code;
}

enum assay_code assay_option_set(const struct assay_option *table, void *target, const char *name, const char *value,
                                 struct assay_error *err)
{
    const struct assay_option *row = find(table, name);
    return row ? assay_option_value_parse(row, target, value, err) : refuse_name(table, name, "", err);
}

/* Sets a row for the first time: what a LIST has as its default gives way. */
static enum assay_code set_once(const struct assay_option *row, void *target, const char *value, bool *given,
                                const char *dashes, struct assay_error *err)
{
    if (*given && row->type != ASSAY_OPT_LIST)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "option '%s%s' is given twice", dashes, row->name);
    if (!*given && row->type == ASSAY_OPT_LIST && row->bytes)
        ((char *)target)[row->offset] = 0;
    *given = true;
    return assay_option_value_parse(row, target, value, err);
}

/* ---- "k=v,k=v" -------------------------------------------------------------------------------------------- */

struct list_reader {
    const char *list, *at;
    char        name[64], value[VALUE_BYTES];
};

static enum assay_code refuse_list(const struct list_reader *reader, const char *why, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_CONFIG, "%s at character %zu of '%.100s'", why,
                      (size_t)(reader->at - reader->list) + 1, reader->list);
}

/* Reads one "name=value" and the comma behind it. */
static enum assay_code read_pair(struct list_reader *reader, struct assay_error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t            length = strspn(reader->at, letters);
    const char       *why = NULL, *end;
    if (length == 0 || length >= sizeof reader->name)
        return refuse_list(reader, length ? "too long a name" : "a name is missing", err);
    memcpy(reader->name, reader->at, length);
    reader->name[length] = 0;
    reader->at += length;
    if (*reader->at != '=')
        return refuse_list(reader, "'=' and a value are missing", err);
    reader->at++;
    if (*reader->at == '"') {
        end = assay_option_text_read(reader->at, reader->value, sizeof reader->value, &why);
        if (!end)
            return refuse_list(reader, why, err);
    } else {
        for (end = reader->at; *end && *end != ','; end++)
            if ((unsigned char)*end <= ' ' || *end == 127 || strchr(":=\"@", *end)) {
                reader->at = end;
                (void)refuse_list(reader, "a character that a plain value cannot have", err);
                return assay_error_hint(err, "write the value of %s as a JSON string, in double quotes", reader->name);
            }
        length = (size_t)(end - reader->at);
        if (length >= sizeof reader->value)
            return refuse_list(reader, "too long a value", err);
        memcpy(reader->value, reader->at, length);
        reader->value[length] = 0;
    }
    reader->at = end;
    if (*end && *end != ',')
        return refuse_list(reader, "',' is missing", err);
    if (*end && !end[1])
        return refuse_list(reader, "nothing follows ','", err);
    reader->at += *end ? 1 : 0;
    return ASSAY_OK;
}

static enum assay_code parse_list(const struct assay_option *table, void *scratch, const char *list,
                                  struct assay_error *err)
{
    struct list_reader reader = {.list = list, .at = list};
    bool               given[MAX_ROWS] = {false};
    enum assay_code    code = set_defaults(table, scratch, err);
    while (!code && *reader.at) {
        const struct assay_option *row;
        if (read_pair(&reader, err))
            return err->code;
        row = find(table, reader.name);
        code = row ? set_once(row, scratch, reader.value, &given[row - table], "", err)
                   : refuse_name(table, reader.name, "", err);
    }
    for (const struct assay_option *row = table; !code && row->name; row++)
        if (!row->dflt && !given[row - table])
            return ASSAY_FAIL(err, ASSAY_CONFIG, "option '%s' must be given: %s", row->name, row->help);
    return code;
}

enum assay_code assay_options_parse(const struct assay_option *table, void *target, const char *list, const char *what,
                                    struct assay_error *err)
{
    enum assay_code code;
    void           *scratch;
    if (assay_options_count(table) > MAX_ROWS)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "%s has more than %d options", what, MAX_ROWS);
    scratch = calloc(1, target_bytes(table));
    if (!scratch)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu bytes of options of %s", target_bytes(table), what);
    code = parse_list(table, scratch, list ? list : "", err);
    if (!code)
        copy_fields(table, target, scratch);
    else
        (void)owned(what, err);
    free(scratch);
    return code;
}

void assay_options_write(const struct assay_option *table, const void *target, struct assay_text *out)
{
    const struct assay_option *last = NULL;
    for (size_t n = assay_options_count(table); n > 0; n--) { /* the smallest name above the last one written */
        const struct assay_option *next = NULL;
        for (const struct assay_option *row = table; row->name; row++)
            if ((!last || compare_names(row->name, last->name) > 0) &&
                (!next || compare_names(row->name, next->name) < 0))
                next = row;
        if (!next)
            return;
        assay_text_add(out, "%s", last ? "," : "");
        write_name(next->name, '_', out);
        assay_text_add(out, "=");
        assay_option_write(next, target, out);
        last = next;
    }
}

/* ---- command line ----------------------------------------------------------------------------------------- */

struct word {
    const char *dashes; /* "--" or "-" */
    char        name[64];
    const char *value; /* behind '=', or NULL */
};

/* "--name", "--name=value", "-o". A name that is too long is cut, and so known to nobody. */
static struct word split_word(const char *text)
{
    struct word word = {.dashes = text[1] == '-' ? "--" : "-"};
    const char *from = text + strlen(word.dashes), *equals = strchr(from, '=');
    size_t      length = equals ? (size_t)(equals - from) : strlen(from);
    length = length < sizeof word.name ? length : sizeof word.name - 1;
    memcpy(word.name, from, length);
    word.name[length] = 0;
    word.value = equals ? equals + 1 : NULL;
    return word;
}

/* Takes the option at argv[*i]; *i then is the last word that belonged to it. */
static enum assay_code take_option(const struct assay_option *table, void *scratch, int argc, char **argv, int *i,
                                   bool *given, struct assay_error *err)
{
    struct word                word = split_word(argv[*i]);
    const struct assay_option *row = find(table, word.name);
    const char                *value = word.value;
    bool                       is_short = !word.dashes[1];
    if (is_short && word.name[0] && word.name[1]) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "unknown option '%.80s'", argv[*i]);
        return assay_error_hint(err, "names of more than one letter have two dashes; '--' ends the options");
    }
    if (!row)
        return refuse_name(table, word.name, word.dashes, err);
    if (!value && row->type == ASSAY_OPT_BOOL)
        value = "true";
    if (!value && *i + 1 < argc && strncmp(argv[*i + 1], "--", 2) != 0)
        value = argv[++*i];
    if (!value) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "option '%s%s' needs a value", word.dashes, word.name);
        return *i + 1 < argc ? assay_error_hint(err, "a value that starts with two dashes is written %s%s=%s",
                                                word.dashes, word.name, argv[*i + 1])
                             : err->code;
    }
    if ((row->type == ASSAY_OPT_LIST || row->type == ASSAY_OPT_TEXT) && !*value)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "option '%s%s' must not be empty", word.dashes, word.name);
    if (row->type == ASSAY_OPT_LIST && strchr(value, '\n')) /* it would become two */
        return ASSAY_FAIL(err, ASSAY_CONFIG, "option '%s%s' must be one line, got '%.60s'", word.dashes, word.name, value);
    bool            again = given[row - table] && row->type != ASSAY_OPT_LIST;
    enum assay_code code = set_once(row, scratch, value, &given[row - table], word.dashes, err);
    return code && !again ? assay_error_in(err, "reading option '%s%s'", word.dashes, word.name) : code;
}

enum assay_code assay_options_from_argv(const struct assay_option *table, void *target, int *argc, char **argv,
                                        bool *given, struct assay_error *err)
{
    bool            seen[MAX_ROWS] = {false}, ended = false;
    size_t          n_rows = assay_options_count(table);
    int             kept = 0;
    enum assay_code code = ASSAY_OK;
    char           *scratch;
    if (n_rows > MAX_ROWS)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "more than %d options", MAX_ROWS);
    scratch = calloc(1, target_bytes(table));
    if (!scratch)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu bytes of options", target_bytes(table));
    copy_fields(table, scratch, target);
    for (int i = 0; !code && i < *argc; i++) {
        if (ended || argv[i][0] != '-' || !argv[i][1])
            argv[kept++] = argv[i];
        else if (!strcmp(argv[i], "--"))
            ended = true;
        else
            code = take_option(table, scratch, *argc, argv, &i, seen, err);
    }
    if (!code) {
        copy_fields(table, target, scratch);
        *argc = kept;
        for (size_t i = 0; given && i < n_rows; i++)
            given[i] = seen[i];
    }
    free(scratch);
    return code;
}

/* ---- help ------------------------------------------------------------------------------------------------- */

static const char *placeholder(const struct assay_option *row)
{
    switch (row->type) {
    case ASSAY_OPT_BOOL: return "";
    case ASSAY_OPT_I64: return "N";
    case ASSAY_OPT_F64: return "X";
    case ASSAY_OPT_TEXT:
    case ASSAY_OPT_LIST: return "TEXT";
    case ASSAY_OPT_ENUM: return "NAME";
    case ASSAY_OPT_DTYPE: return "DTYPE";
    case ASSAY_OPT_SECONDS:
    case ASSAY_OPT_MILLISECONDS: return "TIME";
    case ASSAY_OPT_BYTES: return "SIZE";
    }
    return "VALUE";
}

static void write_dashed(const struct assay_option *row, struct assay_text *out)
{
    assay_text_add(out, "%s", row->name[1] ? "--" : "-");
    write_name(row->name, '-', out);
}

/* "one of a, b; from 1 to 8; in TFLOP/s; default 4" */
static void write_limits(const struct assay_option *row, struct assay_text *out)
{
    size_t            start = out->length;
    char              bounds[80];
    struct assay_text range = ASSAY_TEXT(bounds);
    assay_option_range_write(row, &range);
    for (size_t i = 0; row->choices && row->choices[i]; i++)
        assay_text_add(out, "%s%s", i ? ", " : "one of ", row->choices[i]);
    if (range.length)
        assay_text_add(out, "%s%s", out->length > start ? "; " : "", bounds);
    if (row->unit)
        assay_text_add(out, "%sin %s", out->length > start ? "; " : "", row->unit);
    if (row->type == ASSAY_OPT_LIST)
        assay_text_add(out, "%smay be repeated", out->length > start ? "; " : "");
    if (!row->dflt)
        assay_text_add(out, "%smust be given", out->length > start ? "; " : "");
    else if (*row->dflt && row->type != ASSAY_OPT_BOOL)
        assay_text_add(out, "%sdefault %s", out->length > start ? "; " : "", row->dflt);
    else if (!strcmp(row->dflt, "true") || !strcmp(row->dflt, "1"))
        assay_text_add(out, "%sdefault true", out->length > start ? "; " : "");
}

void assay_options_help(const struct assay_option *table, FILE *out)
{
    char   head[80], limits[512];
    size_t width = 0;
    for (int pass = 0; pass < 2; pass++) /* first the width of the left column, then the lines */
        for (const struct assay_option *row = table; row->name; row++) {
            struct assay_text left = ASSAY_TEXT(head), right = ASSAY_TEXT(limits);
            write_dashed(row, &left);
            assay_text_add(&left, "%s%s", *placeholder(row) ? " " : "", placeholder(row));
            write_limits(row, &right);
            width = left.length > width ? left.length : width;
            if (pass == 1)
                (void)fprintf(out, right.length ? "  %-*s  %s (%s)\n" : "  %-*s  %s\n", (int)width, head, row->help,
                              limits);
        }
}

/* Text for troff: a backslash, a dash and a dot or quote at the start of a line mean something there. */
static void put_troff(const char *text, FILE *out)
{
    if (*text == '.' || *text == '\'')
        (void)fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '\\')
            (void)fputs("\\e", out);
        else if (*text == '-')
            (void)fputs("\\-", out);
        else
            (void)fputc(*text == '\n' ? ' ' : *text, out);
    }
}

void assay_options_man(const struct assay_option *table, FILE *out)
{
    char head[80], limits[512];
    for (const struct assay_option *row = table; row->name; row++) {
        struct assay_text left = ASSAY_TEXT(head), right = ASSAY_TEXT(limits);
        write_dashed(row, &left);
        write_limits(row, &right);
        (void)fputs(".TP\n\\fB", out);
        put_troff(head, out);
        (void)fprintf(out, "\\fR%s%s%s\n", *placeholder(row) ? " \\fI" : "", placeholder(row),
                      *placeholder(row) ? "\\fR" : "");
        put_troff(row->help, out);
        (void)fputs(right.length ? " (" : "", out);
        put_troff(limits, out);
        (void)fputs(right.length ? ")\n" : "\n", out);
    }
}
