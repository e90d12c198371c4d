/* The functions of erl_nif.h that take any number of arguments: each passes an array on to Rust, or to the C library. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint64_t term;
struct enif_environment_t;

term enif_make_tuple_from_array(struct enif_environment_t *, const term *, unsigned);
term enif_make_list_from_array(struct enif_environment_t *, const term *, unsigned);

/* Collects `count` terms and hands them to `make`. */
#define MADE_OF_ARGUMENTS(make)                                             \
    term few[32], *terms = few, made;                                       \
    va_list arguments;                                                      \
    if (count > 32 && !(terms = malloc(count * sizeof(term)))) abort();     \
    va_start(arguments, count);                                             \
    for (unsigned i = 0; i < count; i++) terms[i] = va_arg(arguments, term); \
    va_end(arguments);                                                      \
    made = make(env, terms, count);                                         \
    if (terms != few) free(terms);                                          \
    return made

term enif_make_tuple(struct enif_environment_t *env, unsigned count, ...)
{
    MADE_OF_ARGUMENTS(enif_make_tuple_from_array);
}

term enif_make_list(struct enif_environment_t *env, unsigned count, ...)
{
    MADE_OF_ARGUMENTS(enif_make_list_from_array);
}
