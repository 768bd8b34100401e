/* Reads Parquet files of candles: flat tables whose columns are encoded with dictionaries, as the project writes them.

`read_footers` finds the number of rows, the range of some columns and a value of the metadata of many files. `open_files` takes many files into memory and finds their
pages, `read_files` writes the values of the pages into columns, and `close_files` frees the memory. A file in another form is
declined: each function then returns DECLINED, and candle_files.py leaves the file to DuckDB. None of them needs Python, whose
other threads work meanwhile.

Nothing is trusted: every read is checked against the end of the bytes, every index against the size of its table. A structure is
an array of 64-bit words to Python. The format: https://parquet.apache.org/docs/file-format/ and Thrift's compact protocol. */

#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(void *) == 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of 64 bits, lowest byte first");

typedef int64_t i64;
typedef int32_t i32;
typedef uint8_t byte;

#define DECLINED (-1)
#define MOST_DEPTH 16           /* of structures inside one another */
#define MOST_VALUES (1LL << 31) /* of a page */
#define MOST_ROWS (1LL << 26)   /* of a file: a file of a few bytes can claim any number */
#define MOST_PIECES 256         /* of the columns of a file, in all its groups of rows */
#define MOST_PAGES 256          /* of a file */
#define MOST_BYTES (1LL << 28)  /* of a page, before it is known to be one */
#define MOST_COLUMNS 16
#define TAIL 8               /* bytes at the end of a file: the length of its footer, and PAR1 */
#define FIRST_READ (1 << 14) /* bytes from the end of a file, which hold the footer of a candle file */
#define AT_ONCE 512          /* numbers that are unpacked at a time; a multiple of eight */

const char source_digest[] = SOURCE_DIGEST; /* SHA-256 of this file when it was compiled */

/* Numbers of the format */
enum { TRUE_FIELD = 1, FALSE_FIELD, BYTE_FIELD, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT };
enum { DATA_PAGE = 0, DICTIONARY_PAGE = 2 };
enum { PLAIN = 0, PLAIN_DICTIONARY = 2, RLE = 3, RLE_DICTIONARY = 8 };
enum { REQUIRED, OPTIONAL };
enum { UNCOMPRESSED = 0, ZSTD = 6 };
enum { FIXED = 7 }; /* the physical type of decimals */

typedef struct { /* of a file: rows, groups of rows, the metadata under a key, and the range of all columns asked for */
    i64 rows, groups, meta_start, meta_size, has_range, lowest, highest;
} File;

typedef struct { /* of a column; -1 for what the file does not say */
    i64 index, physical, width, repetition, converted, scale, precision;
} Column;

typedef struct { /* a column's piece in a group of rows; first_page: of its dictionary, if it has one */
    i64 column, rows, codec, values, first_page, size;
} Piece;

typedef struct { /* a page of a column; start: of its compressed bytes in the file */
    i64 column, codec, kind, start, compressed, uncompressed, values, encoding;
} Page;

typedef struct { /* a column that is read; width: bytes of its decimals, 0 for whole numbers of 64 bits */
    i64 width, optional, null;
    i32 *narrow; /* its rows, of 32 or of 64 bits: one of them is NULL */
    i64 *wide;
    i64 nulls; /* how many rows of a file are null */
} Rows;

static inline i64 least_of(i64 a, i64 b) { return a < b ? a : b; }

/* ---- Thrift's compact protocol ---- */

typedef struct { /* a place in some bytes; `bad` once anything was not as it should be */
    const byte *at, *end;
    bool bad;
} Cursor;

static byte next_byte(Cursor *c) {
    if (c->at >= c->end) {
        c->bad = true;
        return 0;
    }
    return *c->at++;
}

static uint64_t varint(Cursor *c) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        byte b = next_byte(c);
        value |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80))
            return value;
    }
    c->bad = true;
    return 0;
}

static i64 zigzag(Cursor *c) {
    uint64_t value = varint(c);
    return (i64)(value >> 1) ^ -(i64)(value & 1);
}

/* Go past some bytes; returns where they begin. */
static const byte *past(Cursor *c, uint64_t size) {
    if (c->bad || size > (uint64_t)(c->end - c->at)) {
        c->bad = true;
        return c->end;
    }
    const byte *start = c->at;
    c->at += size;
    return start;
}

/* Read the head of a field: sets its type, and changes id to its number. Returns false at the end of the structure. */
static bool next_field(Cursor *c, i64 *id, int *type) {
    byte head = next_byte(c);
    *type = head & 0x0F;
    if (c->bad || head == 0)
        return false;
    *id = head >> 4 ? *id + (head >> 4) : zigzag(c);
    return !c->bad;
}

/* Read the head of a list: its length, and the type of its items. */
static i64 list_length(Cursor *c, int *type) {
    byte head = next_byte(c);
    *type = head & 0x0F;
    uint64_t length = head >> 4 == 15 ? varint(c) : head >> 4;
    if (length > (uint64_t)(c->end - c->at)) /* an item has a byte at least */
        c->bad = true;
    return c->bad ? 0 : (i64)length;
}

static void skip(Cursor *c, int type, int depth);

static void skip_struct(Cursor *c, int depth) {
    i64 id = 0;
    for (int type; next_field(c, &id, &type);)
        skip(c, type, depth);
}

/* Go past a value. */
static void skip(Cursor *c, int type, int depth) {
    if (depth > MOST_DEPTH)
        c->bad = true;
    if (c->bad)
        return;
    switch (type) {
    case TRUE_FIELD:
    case FALSE_FIELD:
        return;
    case BYTE_FIELD:
        past(c, 1);
        return;
    case I16:
    case I32:
    case I64:
        varint(c);
        return;
    case DOUBLE:
        past(c, 8);
        return;
    case BINARY:
        past(c, varint(c));
        return;
    case LIST:
    case SET: {
        int item;
        i64 length = list_length(c, &item);
        for (i64 k = 0; k < length && !c->bad; k++)
            item <= FALSE_FIELD ? (void)past(c, 1) : skip(c, item, depth + 1);
        return;
    }
    case STRUCT:
        skip_struct(c, depth + 1);
        return;
    default:
        c->bad = true; /* no file of ours has maps */
    }
}

/* ---- The footer ---- */

typedef struct {       /* what `read_footer` was asked for, and where it writes */
    const char *names; /* of the columns, each ended by a zero */
    i64 count;
    File *file;
    Column *columns;
    Piece *pieces;
    i64 room;
} Footer;

/* Return the number of a name among those that were asked for, or -1. */
static i64 asked_for(const Footer *footer, const byte *name, uint64_t size) {
    const char *known = footer->names;
    for (i64 k = 0; k < footer->count; k++) {
        size_t length = strlen(known);
        if (length == size && memcmp(known, name, size) == 0)
            return k;
        known += length + 1;
    }
    return -1;
}

/* Read a schema: a root, and columns that have no columns inside. */
static void read_schema(Cursor *c, const Footer *footer) {
    int type;
    i64 length = list_length(c, &type);
    for (i64 k = 0; k < length && !c->bad; k++) {
        Column column = {k - 1, -1, -1, -1, -1, -1, -1};
        i64 id = 0, children = 0, number = -1;
        for (int field; next_field(c, &id, &field);) {
            i64 *to = id == 1   ? &column.physical
                      : id == 2 ? &column.width
                      : id == 3 ? &column.repetition
                      : id == 5 ? &children
                      : id == 6 ? &column.converted
                      : id == 7 ? &column.scale
                      : id == 8 ? &column.precision
                                : NULL;
            if (to && field == I32)
                *to = zigzag(c);
            else if (id == 4 && field == BINARY) {
                uint64_t size = varint(c);
                number = asked_for(footer, past(c, size), size);
            } else
                skip(c, field, 0);
        }
        if (children != (k == 0 ? length - 1 : 0))
            c->bad = true;
        if (k > 0 && number >= 0) {
            if (footer->columns[number].index >= 0) /* two of one name */
                c->bad = true;
            footer->columns[number] = column;
        }
    }
}

/* Return the integer of some bytes, the highest first, as decimals are stored. */
static i64 big_endian(const byte *at, i64 size) {
    uint64_t value = size > 0 && at[0] & 0x80 ? ~0ULL : 0;
    for (i64 k = 0; k < size; k++)
        value = value << 8 | at[k];
    return (i64)value;
}

/* Read the statistics of a piece: the range of its values goes into the file's, which is of decimals. */
static void read_statistics(Cursor *c, File *file) {
    i64 id = 0, found = 0, least = 0, most = 0;
    bool older = false;
    for (int type; next_field(c, &id, &type);) {
        if (type == BINARY && id != 3 && id != 4) {
            uint64_t size = varint(c);
            const byte *at = past(c, size);
            if (size > 8)
                c->bad = true;
            if (c->bad)
                return;
            if (id == 5)
                most = big_endian(at, (i64)size), found |= 1;
            else if (id == 6)
                least = big_endian(at, (i64)size), found |= 2;
            else
                older = true;
        } else
            skip(c, type, 0);
    }
    if (older && found != 3) /* written by another program, before there were these fields */
        c->bad = true;
    if (found != 3)
        return;
    file->lowest = file->has_range && file->lowest < least ? file->lowest : least;
    file->highest = file->has_range && file->highest > most ? file->highest : most;
    file->has_range = 1;
}

/* Read the metadata of a column's piece. ranges: whether its statistics count. */
static void read_piece(Cursor *c, Piece *piece, File *file, bool ranges) {
    i64 id = 0, data_page = -1, dictionary = -1;
    for (int type; next_field(c, &id, &type);) {
        i64 *to = id == 4    ? &piece->codec
                  : id == 5  ? &piece->values
                  : id == 7  ? &piece->size
                  : id == 9  ? &data_page
                  : id == 11 ? &dictionary
                             : NULL;
        if (to && (type == I32 || type == I64))
            *to = zigzag(c);
        else if (id == 12 && type == STRUCT && ranges)
            read_statistics(c, file);
        else
            skip(c, type, 0);
    }
    piece->first_page = dictionary > 0 && dictionary < data_page ? dictionary : data_page;
}

/* Read a group of rows: the pieces of the columns that were asked for. Returns how many there are now. */
static i64 read_group(Cursor *c, const Footer *footer, i64 known, bool ranges) {
    i64 id = 0, rows = -1, first = known;
    for (int type; next_field(c, &id, &type);) {
        if (id == 3 && type == I64) {
            rows = zigzag(c);
        } else if (id == 1 && type == LIST) {
            int item;
            i64 length = list_length(c, &item);
            for (i64 k = 0; k < length && !c->bad; k++) {
                i64 number = 0, chunk = 0;
                while (number < footer->count && footer->columns[number].index != k)
                    number++;
                bool asked = number < footer->count;
                if (asked && known >= footer->room)
                    c->bad = true;
                Piece piece = {number, 0, -1, -1, -1, -1};
                for (int field; next_field(c, &chunk, &field);) {
                    if (chunk == 1 || chunk == 8) /* in another file, or encrypted */
                        c->bad = true;
                    if (chunk == 3 && field == STRUCT && asked)
                        read_piece(c, &piece, footer->file, ranges);
                    else
                        skip(c, field, 0);
                }
                if (asked && !c->bad)
                    footer->pieces[known++] = piece;
            }
        } else
            skip(c, type, 0);
    }
    if (rows < 0)
        c->bad = true;
    for (i64 k = first; k < known; k++)
        footer->pieces[k].rows = rows;
    return known;
}

/* Read the metadata of a file, of which one entry has a key: where its value lies. */
static void read_key_values(Cursor *c, const byte *start, const char *key, File *file) {
    int item;
    i64 length = list_length(c, &item);
    for (i64 k = 0; k < length && !c->bad; k++) {
        i64 id = 0;
        bool ours = false;
        for (int type; next_field(c, &id, &type);) {
            if (type != BINARY) {
                skip(c, type, 0);
                continue;
            }
            uint64_t size = varint(c);
            const byte *at = past(c, size);
            if (id == 1)
                ours = !c->bad && size == strlen(key) && memcmp(at, key, size) == 0;
            else if (id == 2 && ours) {
                if (file->meta_start >= 0)
                    c->bad = true;
                file->meta_start = at - start, file->meta_size = (i64)size;
            }
        }
    }
}

/* Read a file's footer: some columns, given by name, and their pieces, group after group.

names: each ended by a zero; key: of the metadata. ranges: 1 to find the range of all values of these columns, which are decimals.
Returns the number of pieces, or DECLINED. A column that is not there has index -1. */
static i64 read_footer(const byte *bytes, i64 size, const char *names, i64 count, const char *key, i64 ranges,
                       File *file, Column *columns, Piece *pieces, i64 room) {
    Cursor c = {bytes, bytes + size, false};
    Footer footer = {names, count, file, columns, pieces, room};
    *file = (File){-1, 0, -1, 0, 0, 0, 0};
    for (i64 k = 0; k < count; k++)
        columns[k] = (Column){-1, -1, -1, -1, -1, -1, -1};
    i64 id = 0, known = 0;
    for (int type; next_field(&c, &id, &type);) {
        if (id == 2 && type == LIST)
            read_schema(&c, &footer);
        else if (id == 3 && type == I64)
            file->rows = zigzag(&c);
        else if (id == 4 && type == LIST) {
            int item;
            file->groups = list_length(&c, &item);
            for (i64 k = 0; k < file->groups && !c.bad; k++)
                known = read_group(&c, &footer, known, ranges != 0);
        } else if (id == 5 && type == LIST)
            read_key_values(&c, bytes, key, file);
        else
            skip(&c, type, 0);
    }
    return c.bad || file->rows < 0 ? DECLINED : known;
}

/* ---- Pages ---- */

/* Read the fields of a page's own header that matter: number of values and encodings. */
static void read_page_header(Cursor *c, Page *page, bool data) {
    i64 id = 0, levels = RLE;
    for (int type; next_field(c, &id, &type);) {
        if (type == I32 && id <= (data ? 3 : 2)) {
            i64 value = zigzag(c);
            *(id == 1 ? &page->values : id == 2 ? &page->encoding : &levels) = value;
        } else
            skip(c, type, 0);
    }
    if (levels != RLE)
        c->bad = true;
}

/* Find the pages of a piece in a file. Returns their number, or DECLINED. */
static i64 find_pages_of(const byte *bytes, i64 size, const Piece *piece, Page *pages, i64 room) {
    if (piece->rows == 0 && piece->values == 0)
        return 0;
    if (piece->first_page < 0 || piece->size < 0 || piece->first_page > size || piece->size > size - piece->first_page)
        return DECLINED;
    Cursor c = {bytes + piece->first_page, bytes + piece->first_page + piece->size, false};
    i64 count = 0, values = 0;
    while (c.at < c.end) {
        if (count >= room)
            return DECLINED;
        Page page = {piece->column, piece->codec, -1, 0, -1, -1, -1, -1};
        i64 id = 0;
        for (int type; next_field(&c, &id, &type);) {
            if (type == I32 && id <= 3) {
                i64 value = zigzag(&c);
                *(id == 1 ? &page.kind : id == 2 ? &page.uncompressed : &page.compressed) = value;
            } else if (type == STRUCT && (id == 5 || id == 7))
                read_page_header(&c, &page, id == 5);
            else
                skip(&c, type, 0);
        }
        if (c.bad || page.compressed < 0 || page.uncompressed < 0 || page.values < 0 || page.values > MOST_VALUES ||
            page.kind != (count == 0 ? DICTIONARY_PAGE : DATA_PAGE))
            return DECLINED;
        page.start = past(&c, (uint64_t)page.compressed) - bytes;
        if (c.bad)
            return DECLINED;
        values += page.kind == DATA_PAGE ? page.values : 0;
        pages[count++] = page;
    }
    return values == piece->values && values == piece->rows ? count : DECLINED;
}

/* Find the pages of some columns in a file, one column after the other. Returns their number, or DECLINED. */
static i64 find_pages(const byte *bytes, i64 size, i64 columns, const Piece *pieces, i64 piece_count, Page *pages,
                      i64 room) {
    i64 count = 0;
    for (i64 column = 0; column < columns; column++)
        for (i64 k = 0; k < piece_count; k++) {
            if (pieces[k].column != column)
                continue;
            i64 found = find_pages_of(bytes, size, pieces + k, pages + count, room - count);
            if (found < 0)
                return DECLINED;
            count += found;
        }
    return count;
}

/* Read a dictionary of numbers. width: as in Rows. Returns whether it has that many. */
static bool read_dictionary(const byte *bytes, i64 size, i64 values, i64 width, i64 *out) {
    if (values > size || size != values * (width ? width : 8))
        return false;
    for (i64 k = 0; k < values; k++)
        if (width)
            out[k] = big_endian(bytes + k * width, width);
        else
            memcpy(out + k, bytes + k * 8, 8);
    return true;
}

/* Return up to eight bytes as a number; fewer at the end. */
static inline uint64_t word_at(const byte *at, const byte *end) {
    uint64_t word = 0;
    if (end - at >= 8)
        memcpy(&word, at, 8);
    else if (end > at)
        memcpy(&word, at, (size_t)(end - at));
    return word;
}

/* Unpack numbers of some bits, in groups of eight. end: of all bytes that may be read. */
static void unpack(const byte *start, const byte *end, i64 width, i64 count, uint32_t *out) {
    uint64_t mask = ~0ULL >> (64 - width);
    i64 k = 0;
    if (width <= 8) /* eight numbers fit into a word */
        for (; k + 8 <= count; k += 8) {
            uint64_t word = word_at(start + k / 8 * width, end);
            for (int j = 0; j < 8; j++)
                out[k + j] = (uint32_t)(word >> j * width & mask);
        }
    else if (width <= 14) /* four of them do, wherever in a byte they begin */
        for (; k + 4 <= count; k += 4) {
            i64 bit = k * width;
            uint64_t word = word_at(start + (bit >> 3), end) >> (bit & 7);
            for (int j = 0; j < 4; j++)
                out[k + j] = (uint32_t)(word >> j * width & mask);
        }
    for (; k < count; k++) {
        i64 bit = k * width;
        out[k] = (uint32_t)(word_at(start + (bit >> 3), end) >> (bit & 7) & mask);
    }
}

typedef struct { /* some numbers: one that is repeated, or packed ones that begin at a place */
    bool packed;
    uint32_t value;
    const byte *at;
    i64 count;
} Run;

/* Go to the next run of numbers of some bits, of which no more than `most` are wanted. Returns whether there is one. */
static bool next_run(Cursor *c, i64 width, i64 most, Run *run) {
    uint64_t head = varint(c);
    if (c->bad || head >> 1 == 0 || head >> 1 > (uint64_t)MOST_VALUES)
        return false;
    i64 length = (i64)(head >> 1);
    bool packed = head & 1;
    const byte *at = past(c, (uint64_t)(packed ? length * width : (width + 7) / 8));
    if (c->bad)
        return false;
    *run = (Run){packed && width, 0, at, least_of(packed ? length * 8 : length, most)};
    if (!run->packed && width)
        run->value = (uint32_t)(word_at(at, c->end) & ~0ULL >> (64 - width));
    return true;
}

/* Read numbers of some bits, which are stored as runs and as packed groups of eight. Returns whether there are enough. */
static bool read_runs(Cursor *c, i64 width, i64 count, uint32_t *out) {
    Run run;
    for (i64 done = 0; done < count; done += run.count) {
        if (!next_run(c, width, count - done, &run))
            return false;
        if (run.packed)
            unpack(run.at, c->end, width, run.count, out + done);
        else
            for (i64 k = 0; k < run.count; k++)
                out[done + k] = run.value;
    }
    return true;
}

/* Read values of a dictionary, whose places in it are stored as `read_runs` reads them. Returns whether all is in order. */
#define VALUE_READER(name, type)                                                                                       \
    static bool name(Cursor *c, i64 width, i64 count, const i64 *dictionary, i64 entries, type *out) {                 \
        uint32_t place[AT_ONCE];                                                                                       \
        bool bad = false;                                                                                              \
        Run run;                                                                                                       \
        for (; count > 0 && !bad; count -= run.count) {                                                                \
            if (!next_run(c, width, count, &run) || entries < 1 || (!run.packed && run.value >= entries))              \
                return false;                                                                                          \
            for (i64 done = 0; done < run.count; done += AT_ONCE) {                                                    \
                i64 part = least_of(run.count - done, AT_ONCE);                                                        \
                if (run.packed)                                                                                        \
                    unpack(run.at + done / 8 * width, c->end, width, part, place);                                     \
                for (i64 k = 0; k < part; k++) {                                                                       \
                    uint32_t entry = run.packed ? place[k] : run.value;                                                \
                    bad |= entry >= entries;                                                                           \
                    out[k] = (type)dictionary[entry < entries ? entry : 0];                                            \
                }                                                                                                      \
                out += part;                                                                                           \
            }                                                                                                          \
        }                                                                                                              \
        return !bad;                                                                                                   \
    }

VALUE_READER(read_narrow, i32)
VALUE_READER(read_wide, i64)

/* Return how many rows of a page have a value, or DECLINED. level: receives 1 for a row with a value, else 0, if there are any
without one. */
static i64 read_levels(Cursor *c, i64 count, uint32_t *level) {
    uint32_t length = 0;
    const byte *at = past(c, 4);
    if (c->bad)
        return DECLINED;
    memcpy(&length, at, 4);
    const byte *start = past(c, length);
    if (c->bad)
        return DECLINED;
    /* nearly always: one run, and no row without a value */
    Run run;
    Cursor first = {start, start + length, false}, levels = first;
    if (count > 0 && next_run(&first, 1, count, &run) && !run.packed && run.value && run.count == count)
        return count;
    if (!read_runs(&levels, 1, count, level))
        return DECLINED;
    i64 present = 0;
    for (i64 k = 0; k < count; k++)
        present += level[k];
    return present;
}

/* Write the rows of a page of which some have no value: values of a dictionary, or `null` where a row's level is 0.

Without a branch: where the values are missing follows no pattern. index: one more than there are values. */
#define WRITE_ROWS(out, type)                                                                                          \
    do {                                                                                                               \
        for (i64 k = 0, next = 0; k < count; k++) {                                                                    \
            (out)[k] = (type)(rows->null ^ ((dictionary[index[next]] ^ rows->null) & -(i64)level[k]));                 \
            next += level[k];                                                                                          \
        }                                                                                                              \
    } while (0)

/* Read a page of values from a dictionary into the rows of a column from `first` on.

scratch: room for two numbers a row, and one more. Returns whether the page is in order. */
static bool read_page(const byte *bytes, const Page *page, const i64 *dictionary, i64 entries, i64 first, Rows *rows,
                      uint32_t *scratch) {
    i64 count = page->values;
    uint32_t *level = scratch, *index = scratch + count;
    Cursor c = {bytes, bytes + page->uncompressed, false};
    if (page->encoding != RLE_DICTIONARY && page->encoding != PLAIN_DICTIONARY)
        return false;
    i64 present = rows->optional ? read_levels(&c, count, level) : count;
    if (present < 0)
        return false;
    rows->nulls += count - present;
    i64 width = present ? next_byte(&c) : 0;
    if (c.bad || width > 32)
        return false;
    if (present == count)
        return rows->narrow ? read_narrow(&c, width, count, dictionary, entries, rows->narrow + first)
                            : read_wide(&c, width, count, dictionary, entries, rows->wide + first);
    if (present) {
        uint32_t most = 0;
        if (!read_runs(&c, width, present, index))
            return false;
        for (i64 k = 0; k < present; k++)
            most = index[k] > most ? index[k] : most;
        if (most >= entries)
            return false;
        index[present] = most; /* read, though not used, behind the last value */
    }
    if (present == 0) {
        for (i64 k = 0; k < count; k++)
            if (rows->narrow)
                rows->narrow[first + k] = (i32)rows->null;
            else
                rows->wide[first + k] = rows->null;
    } else if (rows->narrow)
        WRITE_ROWS(rows->narrow + first, i32);
    else
        WRITE_ROWS(rows->wide + first, i64);
    return true;
}

/* ---- Files ---- */

typedef struct
{ /* what a column must be: as _Kind in candle_files.py, whose two meanings of the type are the same to a reader */
    i64 physical, meaning, other_meaning, width, scale, precision, may_be_null;
} Kind;

typedef struct { /* a file in memory; optional: a bit for each column that may have rows without a value */
    byte *data;
    i64 size, rows, page_count, optional;
    Page *pages;
} OpenedFile;

_Static_assert(sizeof(OpenedFile) == 6 * sizeof(i64), "Python makes room for OpenedFile in words");

/* Return the bytes of an open file; below 0 if it has no size. `fstat` would need a glibc of 2021, where wheels ask for less. */
static i64 size_of(int opened) { return (i64)lseek(opened, 0, SEEK_END); }

/* Fill memory with the bytes of a file from a place on. Returns whether it has as many. */
static bool read_at(int opened, byte *to, i64 size, i64 from) {
    for (i64 done = 0; done < size;) {
        ssize_t part = pread(opened, to + done, (size_t)(size - done), (off_t)(from + done));
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return false;
        done += part;
    }
    return true;
}

/* Return how many bytes the footer of a file has, from the last bytes of it; DECLINED if it is no Parquet file. */
static i64 footer_size(const byte *end, i64 size) {
    uint32_t length;
    if (size < TAIL || memcmp(end - 4, "PAR1", 4) != 0)
        return DECLINED;
    memcpy(&length, end - TAIL, sizeof length);
    return length > size - TAIL ? DECLINED : (i64)length;
}

/* Read a whole file. Returns whether it could be read. */
static bool take_bytes(const char *path, OpenedFile *file) {
    int opened = open(path, O_RDONLY | O_CLOEXEC);
    if (opened < 0)
        return false;
    file->size = size_of(opened);
    file->data = file->size >= TAIL ? malloc((size_t)file->size) : NULL;
    bool whole = file->data && read_at(opened, file->data, file->size, 0);
    close(opened);
    return whole;
}

/* Whether the columns of a file are as they must be; notes in the file which of them may have rows without a value. */
static bool as_wanted(const Column *columns, const Kind *kinds, i64 count, OpenedFile *file) {
    for (i64 k = 0; k < count; k++) {
        const Column *column = columns + k;
        const Kind *kind = kinds + k;
        bool decimal =
            column->width == kind->width && column->scale == kind->scale && column->precision == kind->precision;
        bool meant = column->converted == kind->meaning || column->converted == kind->other_meaning;
        if (column->index < 0 || column->physical != kind->physical || !meant || (kind->width && !decimal))
            return false;
        file->optional |= (i64)(column->repetition == OPTIONAL) << k;
    }
    return true;
}

/* Take a file into memory and find its pages. Returns whether it is in the form that this file reads. */
static bool open_file(const char *path, const char *names, i64 count, const Kind *kinds, OpenedFile *file) {
    if (!take_bytes(path, file))
        return false;
    const byte *end = file->data + file->size;
    i64 length = footer_size(end, file->size);
    if (length < 0)
        return false;
    File facts;
    Column columns[MOST_COLUMNS];
    Piece pieces[MOST_PIECES];
    i64 known = read_footer(end - TAIL - length, length, names, count, "", 0, &facts, columns, pieces, MOST_PIECES);
    if (known < 0 || facts.rows > MOST_ROWS || !as_wanted(columns, kinds, count, file))
        return false;
    i64 rows[MOST_COLUMNS] = {0};
    for (i64 k = 0; k < known; k++) {
        if (pieces[k].rows > MOST_ROWS)
            return false;
        rows[pieces[k].column] += pieces[k].rows;
    }
    for (i64 k = 0; k < count; k++)
        if (rows[k] != facts.rows)
            return false;
    Page pages[MOST_PAGES];
    i64 found = find_pages(file->data, file->size, count, pieces, known, pages, MOST_PAGES);
    size_t size = (size_t)(found > 0 ? found : 0) * sizeof(Page);
    file->pages = found < 0 ? NULL : malloc(size + 1);
    if (!file->pages)
        return false;
    memcpy(file->pages, pages, size);
    file->rows = facts.rows, file->page_count = found;
    return true;
}

typedef struct { /* what a footer says; metadata: a copy of the value under a key */
    i64 read, rows, has_range, lowest, highest;
    byte *metadata;
    i64 metadata_size;
} Facts;

_Static_assert(sizeof(Facts) == 7 * sizeof(i64), "Python makes room for Facts in words");

/* Take what a footer says. Returns whether it is in the form that this file reads. */
static bool take_facts(const byte *bytes, i64 size, const char *names, i64 count, const char *key, Facts *facts) {
    File file;
    Column columns[MOST_COLUMNS];
    Piece pieces[MOST_PIECES];
    if (read_footer(bytes, size, names, count, key, 1, &file, columns, pieces, MOST_PIECES) < 0 ||
        file.rows > MOST_ROWS)
        return false;
    for (i64 k = 0; k < count; k++) /* a range is read from decimals */
        if (columns[k].index >= 0 && columns[k].physical != FIXED)
            return false;
    i64 length = file.meta_start < 0 ? 0 : file.meta_size;
    byte *copy = malloc((size_t)length + 1);
    if (!copy)
        return false;
    memcpy(copy, bytes + (length ? file.meta_start : 0), (size_t)length);
    *facts = (Facts){1, file.rows, file.has_range, file.lowest, file.highest, copy, length};
    return true;
}

/* Read the footer of a file, whose last bytes are nearly always enough. */
static void read_facts(int opened, const char *names, i64 count, const char *key, Facts *facts) {
    i64 whole = size_of(opened);
    if (whole < TAIL)
        return;
    byte last[FIRST_READ], *more = NULL;
    i64 size = least_of(whole, FIRST_READ), length = 0;
    const byte *end = last + size;
    if (!read_at(opened, last, size, whole - size) || (length = footer_size(end, whole)) < 0)
        return;
    if (length > size - TAIL) {
        size = length + TAIL, more = malloc((size_t)size), end = more + size;
        if (!more || !read_at(opened, more, size, whole - size)) {
            free(more);
            return;
        }
    }
    take_facts(end - TAIL - length, length, names, count, key, facts);
    free(more);
}

/* Read the footers of files; `read` stays 0 where one is not there or in another form. Call `free_facts` afterwards.

paths: each ended by a zero. names: of columns of decimals, whose range is found. key: of the metadata. facts: all zero. */
void read_footers(const char *paths, i64 count, const char *names, i64 columns, const char *key, Facts *facts) {
    for (i64 k = 0; k < count && columns <= MOST_COLUMNS; k++, paths += strlen(paths) + 1) {
        int opened = open(paths, O_RDONLY | O_CLOEXEC);
        if (opened < 0)
            continue;
        read_facts(opened, names, columns, key, facts + k);
        close(opened);
    }
}

/* Free the memory of facts. */
void free_facts(Facts *facts, i64 count) {
    for (i64 k = 0; k < count; k++) {
        free(facts[k].metadata);
        facts[k] = (Facts){0};
    }
}

/* Take files into memory and find their pages. Call `close_files` afterwards, whatever this returns.

paths: each ended by a zero. names, kinds: of the columns. files: all zero. Returns 0, or DECLINED. */
i64 open_files(const char *paths, i64 count, const char *names, i64 columns, const Kind *kinds, OpenedFile *files) {
    if (columns > MOST_COLUMNS)
        return DECLINED;
    for (i64 k = 0; k < count; k++, paths += strlen(paths) + 1)
        if (!open_file(paths, names, columns, kinds, files + k))
            return DECLINED;
    return 0;
}

/* Free the memory of files. */
void close_files(OpenedFile *files, i64 count) {
    for (i64 k = 0; k < count; k++) {
        free(files[k].data);
        free(files[k].pages);
        files[k] = (OpenedFile){0};
    }
}

typedef struct { /* texts in order of their bytes: text k ends at end[k] and is the market of index place[k] */
    const byte *bytes;
    const i64 *end, *place;
    i64 count;
} Texts;

/* Return the index of the market with some ticker, or -1. */
static i64 market_of(const Texts *texts, const byte *ticker, i64 size) {
    i64 low = 0, high = texts->count;
    while (low < high) {
        i64 k = low + (high - low) / 2, start = k ? texts->end[k - 1] : 0, length = texts->end[k] - start;
        int order = memcmp(texts->bytes + start, ticker, (size_t)least_of(length, size));
        if (order == 0 && length == size)
            return texts->place[k];
        if (order < 0 || (order == 0 && length < size))
            low = k + 1;
        else
            high = k;
    }
    return -1;
}

/* Read a dictionary of tickers: the indices of their markets. Returns whether it has that many. */
static bool read_tickers(const byte *bytes, i64 size, i64 values, const Texts *texts, i64 *out) {
    Cursor c = {bytes, bytes + size, false};
    for (i64 k = 0; k < values; k++) {
        uint32_t length = 0;
        const byte *at = past(&c, sizeof length);
        if (!c.bad)
            memcpy(&length, at, sizeof length);
        at = past(&c, length);
        if (c.bad)
            return false;
        out[k] = market_of(texts, at, length);
    }
    return true;
}

typedef struct { /* memory that grows to what was needed at most */
    void *at;
    size_t size;
} Room;

/* Make room for some bytes. Returns whether there is. */
static bool make_room(Room *room, size_t size) {
    if (room->at && size <= room->size)
        return true;
    void *at = realloc(room->at, size + 1);
    if (at)
        *room = (Room){at, size};
    return at;
}

/* Writes decompressed bytes: as ZSTD_decompressDCtx of zstd's library. Returns how many, another number for damaged ones. */
typedef size_t (*Decompress)(void *context, void *out, size_t room, const void *bytes, size_t size);

typedef struct { /* how pages are decompressed and read */
    Decompress decompress;
    void *context;
    const Texts *texts;
    Room page, dictionary, scratch;
} Reader;

/* Return the bytes of a page; NULL if they are damaged, or compressed otherwise. */
static const byte *page_bytes(const OpenedFile *file, const Page *page, Reader *reader) {
    const byte *bytes = file->data + page->start;
    if (page->codec == UNCOMPRESSED)
        return page->compressed == page->uncompressed ? bytes : NULL;
    size_t size = (size_t)page->uncompressed;
    if (page->codec != ZSTD || page->uncompressed > MOST_BYTES || !make_room(&reader->page, size))
        return NULL;
    size_t written = reader->decompress(reader->context, reader->page.at, size, bytes, (size_t)page->compressed);
    return written == size ? reader->page.at : NULL;
}

/* Read the pages of a file into the rows of its columns. Returns whether they are in order. */
static bool read_pages(const OpenedFile *file, Rows *columns, Reader *reader) {
    i64 row = 0, entries = 0;
    for (i64 k = 0; k < file->page_count; k++) {
        const Page *page = file->pages + k;
        Rows *rows = columns + page->column;
        const byte *bytes = page_bytes(file, page, reader);
        if (!bytes)
            return false;
        if (k == 0 || page->column != page[-1].column)
            row = 0;
        if (page->kind == DICTIONARY_PAGE) {
            bool plain = page->encoding == PLAIN || page->encoding == PLAIN_DICTIONARY;
            entries = page->values;
            if (!plain || entries > page->uncompressed ||
                !make_room(&reader->dictionary, (size_t)entries * sizeof(i64)))
                return false;
            i64 *values = reader->dictionary.at;
            if (!(page->column == 0 ? read_tickers(bytes, page->uncompressed, entries, reader->texts, values)
                                    : read_dictionary(bytes, page->uncompressed, entries, rows->width, values)))
                return false;
        } else {
            if (page->values > file->rows - row ||
                !make_room(&reader->scratch, (size_t)(2 * page->values + 1) * sizeof(uint32_t)) ||
                !read_page(bytes, page, reader->dictionary.at, entries, row, rows, reader->scratch.at))
                return false;
            row += page->values;
        }
    }
    return true;
}

/* Read files into columns, whose rows follow each other in the order of the files.

files: as `open_files` leaves them. columns: what their rows become; `narrow` or `wide` of each has room for the rows of all files.
tickers, ends, places: as Texts. decompress, context: as in Reader. Returns 0, or DECLINED. */
i64 read_files(const OpenedFile *files, i64 count, const Kind *kinds, const Rows *columns, i64 column_count,
               const byte *tickers, const i64 *ends, const i64 *places, i64 ticker_count, Decompress decompress,
               void *context) {
    Texts texts = {tickers, ends, places, ticker_count};
    Reader reader = {decompress, context, &texts, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    bool good = true;
    for (i64 k = 0, first = 0; k < count && good; first += files[k++].rows) {
        Rows rows[MOST_COLUMNS];
        for (i64 j = 0; j < column_count; j++) {
            const Rows *of = columns + j;
            rows[j] = (Rows){of->width,
                             files[k].optional >> j & 1,
                             of->null,
                             of->narrow ? of->narrow + first : NULL,
                             of->wide ? of->wide + first : NULL,
                             0};
        }
        good = read_pages(files + k, rows, &reader);
        for (i64 j = 0; j < column_count; j++)
            good = good && (!rows[j].nulls || kinds[j].may_be_null);
    }
    free(reader.page.at);
    free(reader.dictionary.at);
    free(reader.scratch.at);
    return good ? 0 : DECLINED;
}
