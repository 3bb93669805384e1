#include "harness/store/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/json.h"

#include "assay/banned.h"

#define DIGITS ASSAY_CHAIN_DIGITS
#define BEFORE ",\"before\":\""
#define SHA256 ",\"sha256\":\""
#define BEFORE_BYTES (sizeof BEFORE - 1 + DIGITS + 1)     /* ,"before":"<64>" */
#define SHA256_BYTES (sizeof SHA256 - 1 + DIGITS + 1 + 2) /* ,"sha256":"<64>"}\n */

/* The end of the line is rewritten for the while of the hashing. */
bool assay_chain_check(char *line, size_t length, struct assay_chain_link *out)
{
    char own[DIGITS + 1], kept[2];
    size_t cut = length - SHA256_BYTES;
    if (length < SHA256_BYTES + BEFORE_BYTES + 2 || memcmp(line + length - 3, "\"}\n", 3) != 0 ||
        memcmp(line + cut, SHA256, sizeof SHA256 - 1) != 0 ||
        memcmp(line + cut - BEFORE_BYTES, BEFORE, sizeof BEFORE - 1) != 0 || line[cut - 1] != '"')
        return false;
    memcpy(kept, line + cut, 2);
    memcpy(line + cut, "}\n", 2);
    assay_sha256_hex(line, cut + 2, own);
    memcpy(line + cut, kept, 2);
    if (memcmp(line + length - 3 - DIGITS, own, DIGITS) != 0)
        return false;
    memcpy(out->before, line + cut - 1 - DIGITS, DIGITS);
    out->before[DIGITS] = 0;
    assay_sha256_hex(line, length, out->hash);
    return true;
}

char *assay_chain_line(const json_t *json, const char before[DIGITS + 1], size_t *length, char hash[DIGITS + 1])
{
    char own[DIGITS + 1];
    char *text = json ? assay_json_line(json) : NULL;
    size_t end = text ? strlen(text) - 1 : 0, room = end + BEFORE_BYTES + SHA256_BYTES + 1;
    char *out = text ? malloc(room) : NULL;
    if (out) {
        (void)snprintf(out, room, "%.*s" BEFORE "%.64s\"}\n", (int)end, text, before);
        assay_sha256_hex(out, end + BEFORE_BYTES + 2, own);
        (void)snprintf(out + end + BEFORE_BYTES, room - end - BEFORE_BYTES, SHA256 "%s\"}\n", own);
        assay_sha256_hex(out, room - 1, hash);
        *length = room - 1;
    }
    free(text);
    return out;
}

void assay_chain_begin(char before[DIGITS + 1])
{
    memset(before, '0', DIGITS);
    before[DIGITS] = 0;
}

bool assay_chain_is_begin(const char *before)
{
    return strspn(before, "0") == DIGITS;
}
