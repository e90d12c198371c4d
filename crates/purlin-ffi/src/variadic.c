/* The functions of erl_nif.h that take any number of arguments. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t term;
struct enif_environment_t;

term enif_make_tuple_from_array(struct enif_environment_t *, const term *, unsigned);
term enif_make_list_from_array(struct enif_environment_t *, const term *, unsigned);
size_t purlin_term_text(term, char *, size_t);

int enif_vfprintf(FILE *, const char *, va_list);
int enif_vsnprintf(char *, size_t, const char *, va_list);

/* Collects `count` terms and hands them to `make`. */
#define MADE_OF_ARGUMENTS(make)                                              \
    term few[32], *terms = few, made;                                        \
    va_list arguments;                                                       \
    if (count > 32 && !(terms = malloc(count * sizeof(term)))) abort();      \
    va_start(arguments, count);                                              \
    for (unsigned i = 0; i < count; i++) terms[i] = va_arg(arguments, term); \
    va_end(arguments);                                                       \
    made = make(env, terms, count);                                          \
    if (terms != few) free(terms);                                           \
    return made

term enif_make_tuple(struct enif_environment_t *env, unsigned count, ...)
{
    MADE_OF_ARGUMENTS(enif_make_tuple_from_array);
}

term enif_make_list(struct enif_environment_t *env, unsigned count, ...)
{
    MADE_OF_ARGUMENTS(enif_make_list_from_array);
}

/* Text that is being made: how long it is in all, and where its beginning goes, to a buffer or a file. */
struct text {
    size_t length;
    char *to;
    size_t room;
    FILE *file;
};

static void add(struct text *text, const char *bytes, size_t count)
{
    if (text->file)
        fwrite(bytes, 1, count, text->file);
    else if (text->length < text->room)
        memcpy(text->to + text->length, bytes, count < text->room - text->length ? count : text->room - text->length);
    text->length += count;
}

static void add_term(struct text *text, term t)
{
    char few[256], *bytes = few;
    size_t length = purlin_term_text(t, few, sizeof few);
    if (length > sizeof few) {
        if (!(bytes = malloc(length))) abort();
        purlin_term_text(t, bytes, length);
    }
    add(text, bytes, length);
    if (bytes != few) free(bytes);
}

/* Adds one conversion of printf's own, `directive`, with its argument. */
#define ADD_ONE(type)                                                             \
    do {                                                                          \
        type value = va_arg(*arguments, type);                                    \
        int length = snprintf(few, sizeof few, directive, value);                 \
        if (length >= (int) sizeof few) {                                         \
            if (!(bytes = malloc(length + 1))) abort();                           \
            snprintf(bytes, length + 1, directive, value);                        \
        }                                                                         \
        if (length > 0) add(text, bytes, length);                                 \
        if (bytes != few) free(bytes);                                            \
    } while (0)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* How wide an integer argument is: the number of `l`s, with the other lengths as what they are as wide as. */
static void add_one(struct text *text, const char *directive, char conversion, int longs, va_list *arguments)
{
    char few[512], *bytes = few;
    switch (conversion) {
    case 'd': case 'i':
        if (longs) ADD_ONE(long long); else ADD_ONE(int);
        break;
    case 'u': case 'o': case 'x': case 'X':
        if (longs) ADD_ONE(unsigned long long); else ADD_ONE(unsigned);
        break;
    case 'c':
        ADD_ONE(int);
        break;
    case 'e': case 'E': case 'f': case 'F': case 'g': case 'G': case 'a': case 'A':
        if (longs < 0) ADD_ONE(long double); else ADD_ONE(double);
        break;
    case 's':
        ADD_ONE(const char *);
        break;
    case 'p':
        ADD_ONE(void *);
        break;
    default:
        add(text, directive, strlen(directive));
    }
}

#pragma GCC diagnostic pop

/* printf with %T for terms. */
static int make(struct text *text, const char *format, va_list *arguments)
{
    while (*format) {
        char directive[64];
        size_t used = 0;
        int longs = 0;
        const char *at = format;
        while (*at && *at != '%') at++;
        add(text, format, at - format);
        if (!*at) break;
        directive[used++] = *at++;
        for (; *at && strchr("-+ #0123456789.*", *at); at++) {
            if (used > 40) return -1;
            if (*at == '*')
                used += snprintf(directive + used, 12, "%d", va_arg(*arguments, int));
            else
                directive[used++] = *at;
        }
        for (; *at && strchr("hlqLjzt", *at); at++) {
            if (*at == 'L') longs = -1;
            else if (*at != 'h') longs++;
        }
        format = *at ? at + 1 : at;
        if (*at == '%') {
            add(text, "%", 1);
        } else if (*at == 'T') {
            add_term(text, va_arg(*arguments, term));
        } else {
            if (longs > 0) directive[used++] = 'l', directive[used++] = 'l';
            if (longs < 0) directive[used++] = 'L';
            directive[used++] = *at;
            directive[used] = 0;
            add_one(text, directive, *at, longs, arguments);
        }
    }
    return text->length > INT32_MAX ? -1 : (int) text->length;
}

int enif_vfprintf(FILE *file, const char *format, va_list arguments)
{
    struct text text = { 0, NULL, 0, file };
    va_list own;
    int length;
    va_copy(own, arguments);
    length = make(&text, format, &own);
    va_end(own);
    return length;
}

int enif_vsnprintf(char *to, size_t size, const char *format, va_list arguments)
{
    struct text text = { 0, to, size, NULL };
    va_list own;
    int length;
    va_copy(own, arguments);
    length = make(&text, format, &own);
    va_end(own);
    if (size) to[text.length < size ? text.length : size - 1] = 0;
    return length;
}

int enif_fprintf(FILE *file, const char *format, ...)
{
    va_list arguments;
    int length;
    va_start(arguments, format);
    length = enif_vfprintf(file, format, arguments);
    va_end(arguments);
    return length;
}

int enif_snprintf(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;
    va_start(arguments, format);
    length = enif_vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return length;
}
