/* A line of a file that only grows: a JSON object that carries a checksum of itself and of the line before.
 *
 *     {…members…,"before":"<64 hex>","sha256":"<64 hex>"}\n
 *
 * "before" is the SHA-256 of the whole line before, its newline included (64 zeroes in the first line); "sha256" is that of this
 * line, newline included, without the member "sha256" and the comma before it. Both stand at the end, so that the chain is checked
 * without parsing (README.md does it with sed and sha256sum). */
#ifndef ASSAY_STORE_CHAIN_H
#define ASSAY_STORE_CHAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define ASSAY_CHAIN_DIGITS 64

/* What a line says about the chain. */
struct assay_chain_link {
    char before[ASSAY_CHAIN_DIGITS + 1], hash[ASSAY_CHAIN_DIGITS + 1]; /* of the line before, as it states; its own */
};

/* Is the line, newline included, what its checksum says? It is rewritten for the while of the hashing. */
bool assay_chain_check(char *line, size_t length, struct assay_chain_link *out);
/* The line of `json` (not empty) after the line whose SHA-256 is `before`, newline included, and its own SHA-256. Free it; NULL: no
 * memory. */
char *assay_chain_line(const json_t *json, const char before[ASSAY_CHAIN_DIGITS + 1], size_t *length, char hash[ASSAY_CHAIN_DIGITS + 1]);
/* 64 zeroes: before the first line. */
void assay_chain_begin(char before[ASSAY_CHAIN_DIGITS + 1]);
bool assay_chain_is_begin(const char *before);

#endif
